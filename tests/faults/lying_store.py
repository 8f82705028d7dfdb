"""A server between HuleEdu and its S3 store that passes everything on, or lies."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pytest_django import Settings

from files.store import STORE
from tests.object_store import BUCKET, ObjectStore, sign_in, storages_of

OF_THE_LINE = frozenset({"transfer-encoding", "connection"})


@dataclass(frozen=True)
class Said:
    """One answer. ``length`` is what it says of its body; an ``endless`` one repeats the body for ever."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    endless: bool = False


# From verb (LIST is one), key, and what the store itself would answer; None lets the store answer.
Lie = Callable[[str, str, Callable[[], Said]], Said | None]


@dataclass
class LyingStore:
    """Passes on to the server on ``target`` what ``lie`` does not answer."""

    target: int
    lie: Lie | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    poured: int = 0  # bytes of endless answers
    pouring: int = 0  # of them, how many go on
    port: int = 0

    def lies(self, verb: str, said: Said) -> None:
        """Answer every request of ``verb`` with ``said``."""
        self.lie = lambda asked, _key, _honest: said if asked == verb else None


def pass_on(port: int, asked: BaseHTTPRequestHandler, body: bytes) -> Said:
    """What the server on ``port`` answers."""
    line = HTTPConnection("127.0.0.1", port, timeout=20)
    line.request(asked.command, asked.path, body or None, dict(asked.headers))
    found = line.getresponse()
    headers = {name.lower(): value for name, value in found.getheaders() if name.lower() not in OF_THE_LINE}
    length = int(headers.pop("content-length", 0)) if asked.command == "HEAD" else None
    said = Said(found.status, headers, found.read(), length)
    line.close()
    return said


def pour(store: LyingStore, file: BufferedIOBase, body: bytes) -> None:
    """Write ``body`` again and again until nobody reads."""
    store.pouring += 1
    with suppress(OSError):
        while True:
            file.write(body)
            store.poured += len(body)
            time.sleep(0.05 if len(body) == 1 else 0)
    store.pouring -= 1


def handler_of(store: LyingStore) -> type[BaseHTTPRequestHandler]:
    """The handler of requests to ``store``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path)
            key = unquote(path.path).removeprefix(f"/{BUCKET}").strip("/")
            verb = "LIST" if self.command == "GET" and not key else self.command
            key = key or parse_qs(path.query).get("prefix", [""])[0]
            store.asked.append((verb, key))
            said = store.lie(verb, key, lambda: pass_on(store.target, self, body)) if store.lie else None
            self.say(said or pass_on(store.target, self, body))

        do_GET = do_PUT = do_HEAD = do_DELETE = answer

        def say(self, said: Said) -> None:
            self.send_response_only(said.status)
            for name, value in said.headers.items():
                if name != "content-length":
                    self.send_header(name, value)
            if not said.endless:
                length = len(said.body) if said.length is None else said.length
                self.send_header("Content-Length", str(length))
            self.close_connection = True
            self.send_header("Connection", "close")
            self.end_headers()
            if said.endless:
                pour(store, self.wfile, said.body)
            elif self.command != "HEAD":
                self.wfile.write(said.body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    """Says nothing of connections that its client ended."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""

    def server_bind(self) -> None:
        """As usual; without asking for the machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.socket.getsockname()[1])


@contextmanager
def lying_store(target: int) -> Iterator[LyingStore]:
    """A running server in front of the S3 server on ``target``, honest at first."""
    found = LyingStore(target)
    with Server(("127.0.0.1", 0), handler_of(found)) as server:
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def way_to(server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingStore]:
    """The only way that HuleEdu's store of this moment has to the emptied ``server``."""
    sign_in(monkeypatch)
    for key in server.list():
        server.delete(key)
    STORE.forget()
    with lying_store(server.port) as found:
        settings.STORAGES = storages_of(found.port)
        yield found
        found.lie = None
    STORE.forget()
