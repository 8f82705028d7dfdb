"""HTTP as bytes on a socket, for clients that no library would let us be."""

import json
import os
import select
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huleedu.embedded import installed_environment
from huleedu.machine import temporary
from tests.installation import (
    ROOT,
    TRIAL,
    Answer,
    Installation,
    bearer,
    dying_with_this_thread,
    free_port,
    send,
    wait_until,
)

LIMIT = 2 * 1024 * 1024  # bytes of a request at the hasty server


@dataclass
class Wire:
    """One connection to a web server."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        """Send ``data``; a connection the server has ended is no error."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def read(self, seconds: float = 10.0) -> bytes:
        """Everything until the server closes; fails when it does not within ``seconds``."""
        self.socket.settimeout(seconds)
        data = b""
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except ConnectionResetError:
            return data
        return data

    def answer(self, seconds: float = 10.0) -> Answer:
        """The last answer before the server closes; status 0 when there was none."""
        return parsed(self.read(seconds))

    def first(self, seconds: float = 10.0) -> Answer:
        """The answer to the one request sent, the connection left open."""
        self.socket.settimeout(seconds)
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65536)
            assert piece, data
            data += piece
        return parsed(data)

    def hears(self) -> bool:
        """True when something of an answer has come."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def end(self) -> None:
        """Say that nothing more will be sent, and listen on."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave."""
        self.socket.close()


def parsed(data: bytes) -> Answer:
    """The last answer in ``data``."""
    if not data.startswith(b"HTTP/1."):
        return Answer(0, data, {})
    last = data[data.rindex(b"HTTP/1.1 ") :]
    head, _, body = last.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.title(): value for name, _, value in pairs}
    try:
        return Answer(int(status.split()[1]), json.loads(body), headers)
    except ValueError:
        return Answer(int(status.split()[1]), body, headers)


@dataclass
class Hasty:
    """A second web server of a running installation, with short patience and a small request limit."""

    installation: Installation
    port: int
    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """A connection of one's own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as found:
            yield Wire(found)

    def say(self, data: bytes, seconds: float = 10.0) -> Answer:
        """Send ``data`` and return the last answer before the server closes."""
        with self.wire() as wire:
            wire.send(data)
            return wire.answer(seconds)

    def get(self, path: str, token: str | None = None) -> Answer:
        """GET ``path`` as a well-behaved client."""
        return send(urllib.request.Request(f"{self.url}{path}", headers=bearer(token)))

    def names(self, batch_id: str, token: str) -> list[str]:
        """The names of the files a batch holds."""
        snapshot = self.get(f"/v1/batches/{batch_id}", token)
        assert snapshot.status == 200, snapshot
        return sorted(file["filename"] for file in snapshot.body["files"])

    def spooled(self) -> list[int]:
        """Sizes of the bodies that lie in temporary files."""
        sizes = []
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = str(link.readlink())
                if Path(target).parent.name == temporary.NAME and target.endswith(" (deleted)"):
                    sizes.append(link.stat().st_size)
            except OSError:
                continue
        return sizes

    def connections(self) -> int:
        """How many established connections the server has."""
        listening = f":{self.port:04X}"
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(line.split()[1].endswith(listening) and line.split()[3] == "01" for line in lines)

    def memory(self) -> int:
        """Resident bytes of the server."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024

    def log(self) -> str:
        """What the server has said."""
        return (self.folder / "beside.log").read_text()

    def is_well(self) -> bool:
        """True while the server answers others."""
        return self.process.poll() is None and self.get("/healthz").status == 200


@contextmanager
def hasty_server(
    installation: Installation, folder: Path, variables: dict[str, str] | None = None
) -> Iterator[Hasty]:
    """A hasty server on the databases of ``installation``, with ``variables``; its log lies in ``folder``."""
    limited = {"HULEEDU_MAX_REQUEST_BYTES": str(LIMIT), "HULEEDU_MAX_FILE_BYTES": str(LIMIT - 1)}
    limited |= variables or {}
    with beside(installation, folder, "tests.faults.hasty_server", limited) as found:
        yield found


@contextmanager
def beside(
    installation: Installation, folder: Path, module: str, variables: dict[str, str]
) -> Iterator[Hasty]:
    """The web server of ``module`` on the databases of ``installation``; its log lies in ``folder``."""
    environment = {**os.environ, **installation.variables, **installed_environment(installation.var)}
    environment |= {"HULEEDU_HOST": "127.0.0.1", "HULEEDU_PROCESS": "web"}
    environment |= {"HULEEDU_VAR": str(folder), "HULEEDU_STORAGE": str(installation.var / "content")}
    environment |= TRIAL | variables
    port = free_port()
    with (folder / "beside.log").open("ab") as log:
        process = subprocess.Popen(
            dying_with_this_thread([sys.executable, "-m", module, "-b", "127.0.0.1", "-p", str(port)]),
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    found = Hasty(installation, port, process, folder)
    try:
        wait_until(lambda: found.get("/healthz").status == 200, 60, "the server beside answers")
        yield found
    finally:
        process.terminate()
        process.wait(20)


def head(method: str, path: str, **headers: object) -> bytes:
    """A request's head; ``_`` in header names stands for ``-``."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def client_hello() -> bytes:
    """What a browser sends that believes this is https."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError


@dataclass(frozen=True)
class Form:
    """An upload form as bytes."""

    batch_id: str
    token: str
    files: tuple[tuple[str, bytes], ...]
    boundary: str = "x-boundary-x"

    @property
    def body(self) -> bytes:
        """The whole body."""
        entries = [{"filename": name, "size": len(data)} for name, data in self.files]
        fields = {"batch_id": self.batch_id, "manifest": json.dumps(entries)}
        pieces = [
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for name, data in self.files:
            disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
            pieces.append(f"--{self.boundary}\r\n{disposition}\r\n\r\n".encode() + data + b"\r\n")
        return b"".join([*pieces, f"--{self.boundary}--\r\n".encode()])

    def head(self, length: int | None = None, **headers: object) -> bytes:
        """The head; ``length`` when it shall lie about the body's."""
        content_type = f"multipart/form-data; boundary={self.boundary}"
        own = {"Authorization": f"Bearer {self.token}", "Content_Type": content_type, "Connection": "close"}
        told = {} if "Transfer_Encoding" in headers else {"Content_Length": length or len(self.body)}
        return head("POST", "/v1/files/batch", **(own | told | headers))


def chunked(data: bytes, size: int = 60_000) -> bytes:
    """``data`` in chunks, without the last empty one."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
