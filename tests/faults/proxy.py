"""A bad network on one machine: a proxy that delays, swallows, cuts off, or loses the answers."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 65536
GO_ON = b"HTTP/1.1 100 "  # a server that lets the body come has not answered yet
LEAVE_AT_ONCE = struct.pack("ii", 1, 0)  # closing sends a reset
Address = tuple[str, int] | str  # a TCP address, or the path of a unix socket


@dataclass
class Link:
    """One client's connection through the proxy."""

    client: socket.socket
    server: socket.socket | None
    silent: bool = False  # for good: nothing comes through, and nobody is told
    server_left_at: float = 0.0

    def reset(self) -> None:
        """End both sides rudely."""
        for side in (self.client, self.server):
            if side is not None:
                with suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LEAVE_AT_ONCE)
                    side.shutdown(socket.SHUT_RDWR)
                side.close()


@dataclass
class Proxy:
    """Listens on ``port`` of this machine and passes everything on to ``target``."""

    target: Address
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    links: list[Link] = field(default_factory=list)
    silent: bool = False
    delay: float = 0.0  # seconds, each way
    cut_after: int | None = None  # bytes from one client, then its connection is reset
    lose_answers: bool = False  # the server's first byte resets the connection instead
    drip: float = 0.0  # seconds for each byte of the server's
    keepalive: float | None = None  # seconds after which the server's kernel gives a silent client up

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self.listener.getsockname()[1])

    def fall_silent(self) -> None:
        """Swallow everything; connections that exist now never come back to life."""
        self.silent = True
        for link in self.links:
            link.silent = True
        if self.keepalive is not None:
            threading.Timer(self.keepalive, self.give_up, [list(self.links)]).start()

    def give_up(self, links: list[Link]) -> None:
        """End the servers' side of connections, as keepalives do; clients hear nothing of it."""
        for link in links:
            if link.server is not None:
                with suppress(OSError):
                    link.server.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """Serve new connections as if nothing had been."""
        self.silent, self.delay, self.cut_after, self.lose_answers = False, 0.0, None, False
        self.drip = 0.0

    def reset_all(self) -> None:
        """Cut every connection off."""
        for link in self.links:
            link.reset()

    def serve(self) -> None:
        """Take clients until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.take(client)

    def take(self, client: socket.socket) -> None:
        """Serve one client in threads of its own."""
        server = None if self.silent else connected(self.target)
        link = Link(client, server, silent=self.silent)
        self.links.append(link)
        if server is not None:
            threading.Thread(target=self.pass_on, args=(link, client, server), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(link, server, client), daemon=True).start()

    def pass_on(self, link: Link, source: socket.socket, sink: socket.socket) -> None:
        """Pass bytes on from one side to the other until either ends."""
        passed = 0
        with suppress(OSError):
            while data := source.recv(PIECE):
                time.sleep(self.delay)
                passed += len(data)
                answers = source is link.server and not data.startswith(GO_ON)
                if self.is_cut(passed, from_client=source is link.client, answers=answers):
                    link.reset()
                elif self.drip and source is link.server:
                    self.trickle(data, sink)
                elif not link.silent:
                    sink.sendall(data)
        if source is link.server:
            link.server_left_at = time.monotonic()
        if not link.silent:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

    def trickle(self, data: bytes, sink: socket.socket) -> None:
        """Pass on one byte after the other, slowly."""
        for byte in data:
            time.sleep(self.drip)
            sink.sendall(bytes([byte]))

    def is_cut(self, passed: int, *, from_client: bool, answers: bool) -> bool:
        """True when the connection breaks now."""
        if from_client:
            return self.cut_after is not None and passed > self.cut_after
        return self.lose_answers and answers


def connected(target: Address) -> socket.socket:
    """A connection to ``target``. Raises OSError."""
    if isinstance(target, tuple):
        return socket.create_connection(target)
    found = socket.socket(socket.AF_UNIX)
    found.connect(target)
    return found


@contextmanager
def proxy(target: Address) -> Iterator[Proxy]:
    """A proxy in front of ``target``."""
    found = Proxy(target)
    threading.Thread(target=found.serve, daemon=True).start()
    try:
        yield found
    finally:
        found.listener.close()
        found.reset_all()
