"""The web server: daphne, bounded in what it reads, how long it waits for it, and what it keeps unsent.

Daphne spools whole bodies before the application sees a request, waits as long as bytes trickle in, and
keeps whatever a socket's reader does not take. Those limits must stand here, in front of the application.
"""

import gc
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does
    gc.disable()  # as in manage.py

import asyncio
import os
import re
import resource
import sys
import time
from contextlib import suppress
from contextvars import Context
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import daphne.http_protocol
import daphne.server
import daphne.ws_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.web.http import RESPONSES, Headers, Request
from zope.interface import implementer

from files.steps.confinement import hide_memory
from huleedu.http.headers import FIXED, fixed_for
from huleedu.http.middleware import HEADER
from huleedu.machine import places, stepping_down, stopping
from huleedu.machine.listening import complaint_about_plain_http
from huleedu.web.door import DOOR_SECONDS, GuardedChannel, Stage
from huleedu.web.draining import Draining, cut_off
from huleedu.web.limits import refusal, spool_failure
from huleedu.web.line_ends import never_ends
from huleedu.web.web_request import UnreadRequest

if TYPE_CHECKING:
    from huleedu.web.serving import Attendance

HEADER_SECONDS = 20.0  # from the first byte of a request to the end of its headers
IDLE_SECONDS = 30.0  # without a byte of a body, or between two requests
TOTAL_SECONDS = 600.0  # for a whole body
STOP_SECONDS = 6.5  # after a signal; draining and taking leave need less, the supervisor waits 7
LINGER_SECONDS = 2.0  # a refused client may go on sending that long without losing the answer
MAX_HEADER_BYTES = 16 * 1024
MAX_WRAPPING = (
    8  # times as many bytes as a body may have, when it comes in chunks; one byte in each takes six
)
MAX_MESSAGE_BYTES = 4096  # from a socket's client
MAX_WAITING_MESSAGES = 50  # of one socket's client, while the application is busy
INTERFACE = re.compile(r"interface=([^:\\]*)")  # of an endpoint as twisted writes it
UNSUPPORTED_DATA, TOO_BIG, TOO_MANY = 1003, 1009, 4429
ARGUMENTS = [
    *("-v", "0"),  # no access log: it would hold whole addresses, with what people searched for
    *("--http-timeout", "60"),
    *("--ping-interval", "20", "--ping-timeout", "30"),
    "--no-server-name",
]


for known in HTTPStatus:
    RESPONSES.setdefault(known.value, known.phrase.encode())  # twisted calls those it does not know "Unknown"


@implementer(IHalfCloseableProtocol)
class LimitedChannel(GuardedChannel):
    """One connection; too much is refused with 413, too slow with 408, nonsense with 400, then closed.

    So is a body that cannot be put on disk, with 507 or 503. A client that has closed its sending side is
    answered.
    """

    totalHeadersSize = MAX_HEADER_BYTES
    received = 0
    half_closed = False
    deadline = 0.0
    lingering: Any = None
    was_answered = False

    @property
    def draining(self) -> Draining:
        """How the server that this connection came to ends."""
        found: Draining = self.factory.server.draining
        return found

    @property
    def waits_for_request(self) -> bool:
        """Nothing of a request has come since the last answer."""
        return self.stage is Stage.IDLE

    def leave(self) -> None:
        """Close when everything is written."""
        self.loseConnection()

    def connectionMade(self) -> None:
        """A client is there."""
        super().connectionMade()
        self.requestFactory = UnreadRequest
        self.draining.visitors.add(self)
        self.count_connection()

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.stage is Stage.IDLE:
            self.enter(Stage.HEADERS, HEADER_SECONDS)
        super().dataReceived(data)
        if self.stage is Stage.HEADERS and never_ends(self, in_body=False):
            self.refuse(400, "INVALID")

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

    def lineLengthExceeded(self, line: bytes) -> None:
        """One header is longer than all may be."""
        self.refuse(400, "INVALID")

    def allHeadersReceived(self) -> None:
        """Refuse a body that says it is too large before any of it is read, and a stranger's sooner."""
        if self.length is not None and self.length > settings.MAX_REQUEST_BYTES:
            self.refuse(413, "REQUEST_TOO_LARGE")
            return
        # Daphne would take it for a path in front of every address.
        self.requests[-1].requestHeaders.removeHeader(b"daphne-root-path")
        self.enter(Stage.HELD, DOOR_SECONDS)
        self.judge()

    def admit(self) -> None:
        """Let the body come."""
        self.received = 0
        self.deadline = time.monotonic() + TOTAL_SECONDS
        self.enter(Stage.BODY, IDLE_SECONDS)
        try:
            super().allHeadersReceived()
        except OSError as error:
            self.refuse(*spool_failure(error))

    def rawDataReceived(self, data: bytes) -> None:
        """A piece of a body; its length may not have been told."""
        if self.stage is Stage.REFUSED:
            return
        try:
            super().rawDataReceived(data)
        except OSError as error:
            self.refuse(*spool_failure(error))
        if self.stage is Stage.BODY and self.length is None:
            self.count(len(data))
        if self.stage is Stage.BODY and never_ends(self, in_body=True):
            self.refuse(400, "INVALID")

    def count(self, added: int) -> None:
        """Bound a body in chunks, and what wraps it; to the byte ``BodyLimit`` counts."""
        self.received += added
        content = self.requests[-1].content
        wrapped = self.received > self.most_bytes * MAX_WRAPPING
        if wrapped or (content is not None and content.tell() > self.most_bytes):
            self.refuse_length()

    def allContentReceived(self) -> None:
        """The application has the request now."""
        self.stage = Stage.ANSWERING
        super().allContentReceived()
        if getattr(self.transport, "protocol", self) is not self:  # it is a socket now
            self.draining.visitors.discard(self)
            self.discount_connection()

    def requestDone(self, request: Request) -> None:
        """The answer is written; the next request may come, and may already wait."""
        self.stage = Stage.IDLE
        self.was_answered = True
        # A large answer may still be on its way to a slow reader.
        seconds = TOTAL_SECONDS if self._waitingForTransport else IDLE_SECONDS
        super().requestDone(request)
        if self.stage is Stage.IDLE:
            self.setTimeout(seconds)
        if self.half_closed:
            self.readConnectionLost()

    def readConnectionLost(self) -> None:
        """The client sends nothing more, and may still read: what it asked whole is answered."""
        self.half_closed = True
        if self.stage in {Stage.HEADERS, Stage.BODY}:
            self.refuse(400, "INVALID")
        elif self.stage is not Stage.ANSWERING:
            self.loseConnection()

    def writeConnectionLost(self) -> None:
        """Everything is written that ever will be."""

    def timeoutConnection(self) -> None:
        """Say why, unless the client had nothing to ask."""
        if self.stage is Stage.IDLE:
            super().timeoutConnection()
        elif self.stage is Stage.HELD:
            self.refuse(503, "UNAVAILABLE")
        else:
            self.refuse(408, "REQUEST_TIMEOUT")

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400, "INVALID")

    def refuse(self, status: int, code: str, **details: int) -> None:
        """Answer from here and close; what still comes is dropped."""
        if self.stage is Stage.REFUSED:
            return
        self.enter(Stage.REFUSED, None)
        told = self.requests[-1].requestHeaders.getRawHeaders(HEADER.encode()) if self.requests else None
        headers, body = refusal(status, code, told[0] if told else b"", details)
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
        lines = [line, *(name + b": " + value for name, value in headers)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.loseWriteConnection()
        self.forget()
        self.lingering = self.callLater(LINGER_SECONDS, self.transport.abortConnection)

    def connectionLost(self, reason: Any) -> None:
        """Forget what was read."""
        self.stage = Stage.REFUSED  # a judgement may still come, and has nobody to go to
        self.draining.visitors.discard(self)
        self.discount_connection()
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
        if self.draining.begun:
            headers.setRawHeaders(b"connection", [b"close"])
        if headers.getRawHeaders(b"connection") == [b"close"]:
            self.persistent = False
        told = headers.getRawHeaders(b"content-type") or [b""]
        for name, value in fixed_for(told[0].decode("latin-1")).items():  # what daphne says itself has none
            if headers.getRawHeaders(name.encode()) is None:
                headers.setRawHeaders(name.encode(), [value.encode()])
        super().writeHeaders(version, code, reason, headers)


class LimitedSocket(WebSocketProtocol):
    """A WebSocket that makes its sender wait for a slow reader, and does not hoard what a client sends."""

    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()
        self.writable.set()

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Refuse a handshake, with the headers of every answer."""
        parent: Any = super()
        parent.sendHttpErrorResponse(code, reason, [*(responseHeaders or ()), *FIXED.items()])

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
        self.draining = Draining()

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

    def listen_success(self, port: Any) -> None:
        """A port is open; remember it, to close it first."""
        super().listen_success(port)
        self.draining.listeners.append(port)

    def kill_all_applications(self) -> Deferred[None]:
        """What daphne does before it ends, which waits for the answer: drain, and only then kill."""
        return Deferred.fromFuture(asyncio.ensure_future(self.end()))

    async def end(self) -> None:
        """Let everybody leave, then cut off who has not."""
        await self.draining.run(self.connections)
        await cut_off(self.connections)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Begin a request or socket in a context of its own.

        Whatever ran when its connection was taken in would lend it its own: a signal comes at any moment,
        also within another request, whose thread is gone when this one wants to use it.
        """
        return Context().run(super().create_application, protocol, scope)

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
    """Serve until stopped; ``arguments`` are daphne's, such as ``-b`` and ``-p``.

    Ends at once, with 78, when this process does not fit the others.
    """
    hide_memory()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each socket is an open file
    refuse_plain_http(arguments)
    attendance = attend()
    try:
        CommandLine().run([*ARGUMENTS, *arguments, "huleedu.asgi:application"])
    finally:
        attendance.leave()
    os._exit(0)  # nobody hears what threads may still answer; they are not waited for


def refuse_plain_http(arguments: list[str]) -> None:
    """End, with 78, when ``arguments`` have the server listen where passwords could be read on their way."""
    command_line: Any = CommandLine()
    asked = command_line.parser.parse_args([*arguments, "huleedu.asgi:application"])
    others = [INTERFACE.search(each) for each in asked.socket_strings if each.startswith("tcp")]
    for host in [asked.host or "127.0.0.1", *(found[1] if found else "" for found in others)]:
        if complaint := complaint_about_plain_http(host, os.environ):
            sys.stderr.write(f"HuleEdu does not start this process. {complaint}\n")
            sys.exit(os.EX_CONFIG)


def attend() -> "Attendance":
    """Load the application and hold this process against the installation."""
    if os.environ.setdefault("HULEEDU_PROCESS", "web") != "web":
        sys.exit("The web server is started with HULEEDU_PROCESS=web, or without that variable.")
    try:
        from huleedu.asgi import application
        from huleedu.web.serving import Attendance
    except ImproperlyConfigured as error:
        sys.stderr.write(f"HuleEdu does not start this process. {error}\n")
        sys.exit(os.EX_CONFIG)
    attendance = Attendance(application)
    attendance.begin()
    return attendance


if __name__ == "__main__":
    stepping_down.before("web", places.state_folder(), ["-m", "huleedu.server", *sys.argv[1:]])
    main(sys.argv[1:])
