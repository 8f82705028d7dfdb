"""How the web server ends: nobody new comes in, who is inside gets an answer, sockets are told to come back.

A proxy then sees a refused connection, which it may always try at another web server, and never one that is
cut after a request was sent. So web servers restart in turn without a request being lost.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

DRAIN_SECONDS = 5.0  # then whoever is left is cut off, before the kernel's alarm (``server.STOP_SECONDS``)
FIRST_REQUEST_SECONDS = 1.0  # for the first byte on a connection that was made just before
LOOK_SECONDS = 0.05
SERVICE_RESTART = 1012
ACCEPT_ALL = 10_000  # more than the kernel keeps waiting


class Visitor(Protocol):
    """An HTTP connection as draining sees it."""

    @property
    def waits_for_request(self) -> bool:
        """Nothing of a request has come since the last answer."""

    @property
    def was_answered(self) -> bool:
        """It has had an answer before, so its client knows that it may be closed."""

    def leave(self) -> None:
        """Close when everything is written."""


class Draining:
    """The connections of one server, and their way out."""

    def __init__(self) -> None:
        self.begun = False
        self.visitors: set[Visitor] = set()
        self.listeners: list[Any] = []  # twisted's ports

    def refuse_new(self) -> None:
        """Take in who has connected already, then listen no more: the kernel would reset those in between."""
        self.begun = True
        for port in self.listeners:
            port.numberAccepts = ACCEPT_ALL
            port.doRead()
            port.stopListening()

    async def run(self, connections: Mapping[Any, dict[str, Any]]) -> None:
        """Return when nobody is left, or after ``DRAIN_SECONDS``; ``connections`` are daphne's."""
        began = time.monotonic()
        self.refuse_new()
        while time.monotonic() - began < DRAIN_SECONDS:
            self._send_away(time.monotonic() - began >= FIRST_REQUEST_SECONDS)
            say_goodbye(connections)
            if not self.visitors and not running(connections.values()):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _send_away(self, all_idle: bool) -> None:
        for visitor in list(self.visitors):
            if visitor.waits_for_request and (all_idle or visitor.was_answered):
                visitor.leave()


def say_goodbye(connections: Mapping[Any, dict[str, Any]]) -> None:
    """Close every open socket with a code that says: come back, there is another server."""
    for protocol in list(connections):
        if getattr(protocol, "application_type", "") == "websocket" and protocol.state == protocol.STATE_OPEN:
            protocol.sendCloseFrame(SERVICE_RESTART)


def running(connections: Iterable[dict[str, Any]]) -> list[asyncio.Future[None]]:
    """The applications that still work on an answer or a socket."""
    found = (details.get("application_instance") for details in connections)
    return [each for each in found if each is not None and not each.done()]


async def cut_off(connections: Mapping[Any, dict[str, Any]]) -> None:
    """End the applications that are left."""
    left = running(connections.values())
    for each in left:
        each.cancel()
    await asyncio.gather(*left, return_exceptions=True)
