"""The web server: daphne, bounded in what it reads, how long it waits for it, and what it keeps unsent.

Daphne spools whole bodies before the application sees a request, waits as long as bytes trickle in, and
keeps whatever a socket's reader does not take. Those limits must stand here, in front of the application.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does

import asyncio
import os
import resource
import sys
import time
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from typing import Any

import daphne.http_protocol
import daphne.server
import daphne.ws_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor
from twisted.web.http import Headers, HTTPChannel, Request

from huleedu import stopping
from huleedu.limits import refusal, spool_failure
from huleedu.middleware import HEADER

HEADER_SECONDS = 20.0  # from the first byte of a request to the end of its headers
IDLE_SECONDS = 30.0  # without a byte of a body, or between two requests
TOTAL_SECONDS = 600.0  # for a whole body
STOP_SECONDS = 6.0  # after a signal, for requests that are being answered
LINGER_SECONDS = 2.0  # a refused client may go on sending that long without losing the answer
MAX_HEADER_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 4096  # from a socket's client
MAX_WAITING_MESSAGES = 50  # of one socket's client, while the application is busy
UNSUPPORTED_DATA, TOO_BIG, TOO_MANY = 1003, 1009, 4429
ARGUMENTS = [
    *("-v", "0"),  # no access log: it would hold whole addresses, with what people searched for
    *("--http-timeout", "60"),
    *("--ping-interval", "20", "--ping-timeout", "30"),
    "--no-server-name",
]


class Stage(Enum):
    """What a connection is doing."""

    IDLE = "idle"
    HEADERS = "headers"
    BODY = "body"
    ANSWERING = "answering"
    REFUSED = "refused"


class LimitedChannel(HTTPChannel):
    """One connection; too much is refused with 413, too slow with 408, nonsense with 400, then closed.

    So is a body that cannot be put on disk, with 507 or 503.
    """

    totalHeadersSize = MAX_HEADER_BYTES
    stage = Stage.IDLE
    received = 0
    deadline = 0.0
    lingering: Any = None

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.stage is Stage.IDLE:
            self.enter(Stage.HEADERS, HEADER_SECONDS)
        super().dataReceived(data)

    def enter(self, stage: Stage, seconds: float | None) -> None:
        """Go on to ``stage``, which may last ``seconds`` unless bytes prolong it."""
        self.stage = stage
        self.setTimeout(seconds)

    def resetTimeout(self) -> None:
        """Only a body's bytes buy time, and not beyond its deadline."""
        if self.stage is Stage.BODY:
            self.setTimeout(min(IDLE_SECONDS, max(0.0, self.deadline - time.monotonic())))

    def lineReceived(self, line: bytes) -> None:
        """A line of the headers."""
        if self.stage is not Stage.REFUSED:
            super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        """Refuse a body that says it is too large before any of it is read."""
        if self.length is not None and self.length > settings.MAX_REQUEST_BYTES:
            self.refuse(413, "REQUEST_TOO_LARGE")
            return
        # Daphne would take it for a path in front of every address.
        self.requests[-1].requestHeaders.removeHeader(b"daphne-root-path")
        self.received = 0
        self.deadline = time.monotonic() + TOTAL_SECONDS
        self.enter(Stage.BODY, IDLE_SECONDS)
        try:
            super().allHeadersReceived()
        except OSError as error:
            self.refuse(*spool_failure(error))

    def rawDataReceived(self, data: bytes) -> None:
        """A piece of a body; its length may not have been told."""
        if self.stage is Stage.BODY:
            self.received += len(data)
            if self.length is None and self.received > settings.MAX_REQUEST_BYTES:
                self.refuse(413, "REQUEST_TOO_LARGE")
        if self.stage is Stage.REFUSED:
            return
        try:
            super().rawDataReceived(data)
        except OSError as error:
            self.refuse(*spool_failure(error))

    def allContentReceived(self) -> None:
        """The application has the request now."""
        self.stage = Stage.ANSWERING
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """The answer is written; the next request may come, and may already wait."""
        self.stage = Stage.IDLE
        # A large answer may still be on its way to a slow reader.
        seconds = TOTAL_SECONDS if self._waitingForTransport else IDLE_SECONDS
        super().requestDone(request)
        if self.stage is Stage.IDLE:
            self.setTimeout(seconds)

    def timeoutConnection(self) -> None:
        """Say why, unless the client had nothing to ask."""
        if self.stage is Stage.IDLE:
            super().timeoutConnection()
        else:
            self.refuse(408, "REQUEST_TIMEOUT")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400, "INVALID")

    def refuse(self, status: int, code: str) -> None:
        """Answer from here and close; what still comes is dropped."""
        if self.stage is Stage.REFUSED:
            return
        self.enter(Stage.REFUSED, None)
        told = self.requests[-1].requestHeaders.getRawHeaders(HEADER.encode()) if self.requests else None
        headers, body = refusal(status, code, told[0] if told else b"")
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
        lines = [line, *(name + b": " + value for name, value in headers)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.loseWriteConnection()
        self.forget()
        self.lingering = self.callLater(LINGER_SECONDS, self.transport.abortConnection)

    def connectionLost(self, reason: Any) -> None:
        """Forget what was read."""
        self.forget()
        if self.lingering is not None and self.lingering.active():
            self.lingering.cancel()
        super().connectionLost(reason)

    def forget(self) -> None:
        """Give back the room of bodies; on a full disk closing fails once, with what it could not write."""
        for request in self.requests:
            with suppress(OSError):
                if request.content is not None:
                    request.content.close()

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """Close after an answer that says so; twisted only does what a request says."""
        if headers.getRawHeaders(b"connection") == [b"close"]:
            self.persistent = False
        super().writeHeaders(version, code, reason, headers)


class LimitedSocket(WebSocketProtocol):
    """A WebSocket that makes its sender wait for a slow reader, and does not hoard what a client sends."""

    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()
        self.writable.set()

    def onOpen(self) -> None:
        """Let the transport tell how full it is."""
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().onOpen()

    def pauseProducing(self) -> None:
        """The reader is behind."""
        self.writable.clear()

    def resumeProducing(self) -> None:
        """The reader has caught up."""
        self.writable.set()

    def stopProducing(self) -> None:
        """The connection is gone; nobody need wait."""
        self.writable.set()

    def onMessageFrameBegin(self, length: int) -> None:
        """Refuse what is too big before it comes; daphne's own limit would hold for what we send, too."""
        super().onMessageFrameBegin(length)
        if self.message_data_total_length > MAX_MESSAGE_BYTES:
            self._fail_connection(TOO_BIG, "too big")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Pass text on while the application keeps up."""
        if self.state != self.STATE_OPEN:
            return
        if isBinary:
            self._fail_connection(UNSUPPORTED_DATA, "text only")
        elif self.application_queue.qsize() >= MAX_WAITING_MESSAGES:
            self.sendClose(TOO_MANY)
        else:
            super().onMessage(payload, isBinary)


class LimitedServer(Server):
    """Daphne with connections of ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ready_callable = self.limit

    def limit(self) -> None:
        """Put our connections in place of daphne's, before the first one comes; limit how long it ends."""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # twisted replaces only this one
        turning: Any = reactor
        turning.addSystemEventTrigger("before", "shutdown", stopping.end_within, STOP_SECONDS)
        self.http_factory.protocol = LimitedChannel
        self.http_factory.timeOut = IDLE_SECONDS
        self.ws_factory.protocol = LimitedSocket
        # Say why before hanging up; the application judges origins.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send, and wait while a socket's reader is behind."""
        await super().handle_reply(protocol, message)
        if message["type"] == "websocket.send":
            await protocol.writable.wait()


class Durations:
    """What daphne takes for the module ``time``: it only asks how long something lasts.

    By the time of day a clock that is set would end every request and socket, or keep dead ones for hours.
    """

    time = staticmethod(time.monotonic)


for module in (daphne.server, daphne.http_protocol, daphne.ws_protocol):
    vars(module)["time"] = Durations


class CommandLine(CommandLineInterface):
    """Daphne's command line for our server."""

    server_class = LimitedServer


def main(arguments: list[str]) -> None:
    """Serve until stopped; ``arguments`` are daphne's, such as ``-b`` and ``-p``."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each socket is an open file
    CommandLine().run([*ARGUMENTS, *arguments, "huleedu.asgi:application"])
    os._exit(0)  # nobody hears what threads may still answer; they are not waited for


if __name__ == "__main__":
    main(sys.argv[1:])
