"""The web process: held against the installation before it answers, and its sign of life."""

import os
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.db import DatabaseError, InterfaceError, connection

from huleedu.failures import outages
from huleedu.failures.errors import Unfit
from huleedu.fit.fitting import AWAY, EXIT_UNFIT, WAIT_SECONDS, fit, refuse
from huleedu.models import RelayPresence
from huleedu.postgres.presence import process_name, sign
from huleedu.web.limits import answer

ROLE = "web"
SIGN_SECONDS = 30.0
LEAVE_SECONDS = 1.0
ALIVE = "/healthz"  # asks nobody, so it answers while the database is away
log = structlog.get_logger(__name__)


class Gate:
    """ASGI: 503 to everything but ``/healthz`` until this process was found to fit."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application
        self.open = True

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if self.open or scope["type"] == "lifespan" or scope["path"] == ALIVE:
            await self.application(scope, receive, send)
        elif scope["type"] == "http":
            await answer(send, 503, "UNAVAILABLE", b"")
        else:
            await send({"type": "websocket.close", "code": 1013, "reason": None})


class Attendance:
    """Finds out whether this web process fits, then gives its sign of life until it leaves."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._attend, name="attendance", daemon=True)

    def begin(self) -> None:
        """Check now, and end the process when it does not fit.

        While the database is away the gate stays closed and it goes on checking.
        """
        try:
            self._gate.open = self._fits()
        except Unfit as error:
            refuse(ROLE, error)
            sys.exit(EXIT_UNFIT)
        self._thread.start()

    def leave(self) -> None:
        """Take the sign of life away, unless the database takes its time."""
        self._left.set()
        if self._thread.ident is not None:
            self._thread.join(LEAVE_SECONDS)

    def _fits(self) -> bool:
        try:
            fit()
        except AWAY as error:
            outages.report(log, "process", error)
            return False
        finally:
            connection.close()
        return True

    def _attend(self) -> None:
        while not self._left.is_set():
            try:
                if not self._gate.open:
                    self._gate.open = self._fits()
                if self._gate.open:
                    sign(process_name(ROLE), ROLE)
            except Unfit as error:
                refuse(ROLE, error)
                os._exit(EXIT_UNFIT)
            except (DatabaseError, InterfaceError) as error:
                outages.report(log, "process", error)
            finally:
                connection.close()
            self._left.wait(SIGN_SECONDS if self._gate.open else WAIT_SECONDS)
        with suppress(DatabaseError, InterfaceError):
            RelayPresence.objects.filter(pk=process_name(ROLE)).delete()
        connection.close()
