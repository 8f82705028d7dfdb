"""A whole installation as a school runs it, in a folder of its own, and a client that knows only HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from huleedu.machine import programs
from tests import dictionaries, prepared

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90.0
# Variables that put rows or content elsewhere than a prepared state folder has them.
ELSEWHERE = ("HULEEDU_S3", "HULEEDU_STORAGE", "HULEEDU_POSTGRES", "DATABASE_URL")
TRIAL = {"HULEEDU_SECOND_FACTOR": "offered"}  # what is otherwise is looked at in test_factors


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, its JSON body decoded."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Installation:
    """``python -m huleedu.run`` in ``var``, and its first accounts."""

    var: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # of the environment, besides the usual ones
    fresh: bool = False  # a first start, with a key and a name of its own

    @property
    def url(self) -> str:
        """The installation's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """What starts everything."""
        return [sys.executable, "-m", "huleedu.run"]

    def start(self) -> None:
        """Start everything and wait until it answers ready."""
        if not self.fresh and not any(name.startswith(ELSEWHERE) for name in self.variables):
            prepared.bring(self.var, start_first)
        dictionaries.bring(self.var)
        with (self.var.parent / "run.log").open("ab") as log:
            self.process = subprocess.Popen(
                dying_with_this_thread(self.command),
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.get("/readyz").status == 200, START_SECONDS, "the installation is ready")
        self.read_accounts()

    def environment(self) -> dict[str, str]:
        """Of whatever works in this installation."""
        # An installation has its code compiled.
        hidden = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTHONDONTWRITEBYTECODE"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment |= {"HULEEDU_VAR": str(self.var), "HULEEDU_PORT": str(self.port)}
        return environment | TRIAL | self.variables

    def read_accounts(self) -> None:
        """Read the first accounts: role → (username, password)."""
        for line in (self.var / "first-sign-in.txt").read_text().splitlines():
            role, username, password = line.split()
            self.accounts[role] = (username, password)

    def stop(self) -> None:
        """Stop as Ctrl-C does, and insist that it ends."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def kill_everything(self) -> None:
        """As a power cut: the supervisor and, with it, all it started."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        wait_until(lambda: not self.processes([]), 20, "nothing of the installation is left")

    def processes(self, words: Iterable[str]) -> list[int]:
        """Process ids of this installation whose command line and environment hold all ``words``.

        Other processes' environments are hidden from all but root: then what the run folder tells counts.
        """
        found, recorded = [], self.recorded()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            try:
                environment = (folder / "environ").read_bytes().decode(errors="replace")
            except OSError:
                environment = recorded.get(int(folder.name), "")
                if f"{self.var}/run" in command:  # a guard
                    environment = f"HULEEDU_VAR={self.var}"
            if f"HULEEDU_VAR={self.var}" in environment and all(w in command + environment for w in words):
                found.append(int(folder.name))
        return found

    def recorded(self) -> dict[int, str]:
        """The supervisor and what it has started, with the variables that tell what each is."""
        found = {self.process.pid: f"HULEEDU_VAR={self.var}"} if self.process else {}
        for path in (self.var / "run").glob("*.pid"):
            told = f"HULEEDU_VAR={self.var} HULEEDU_PROCESS={path.stem} Q_CLUSTER_NAME={path.stem}"
            record = programs.read_record(path)
            found |= dict.fromkeys(record.members() if record else [], told)
        return found

    def get(self, path: str, token: str | None = None) -> Answer:
        """GET ``path``."""
        return send(urllib.request.Request(f"{self.url}{path}", headers=bearer(token)))

    def post(self, path: str, body: Any, token: str | None = None, method: str = "POST") -> Answer:
        """POST JSON."""
        headers = {"Content-Type": "application/json", **bearer(token)}
        data = json.dumps(body).encode()
        return send(urllib.request.Request(f"{self.url}{path}", data, headers, method=method))

    def token(self, role: str = "teacher") -> str:
        """A fresh bearer token of one of the first accounts."""
        username, password = self.accounts[role]
        answer = self.post("/v1/auth/token", {"username": username, "password": password})
        assert answer.status == 201, answer
        return str(answer.body["token"])

    def upload(self, batch_id: str, token: str, filename: str, data: bytes, key: str) -> Answer:
        """Send one file as the browser does: one request, a manifest, an idempotency key."""
        return send(self.upload_request(batch_id, token, filename, data, key))

    def upload_together(
        self, batch_id: str, token: str, files: Sequence[tuple[str, bytes]], key: str
    ) -> Answer:
        """Send files, given as name and content, with one request."""
        return send(self.upload_form(batch_id, token, files, key))

    def upload_request(
        self, batch_id: str, token: str, filename: str, data: bytes, key: str
    ) -> urllib.request.Request:
        """The request that sends one file."""
        return self.upload_form(batch_id, token, [(filename, data)], key)

    def upload_form(
        self, batch_id: str, token: str, files: Sequence[tuple[str, bytes]], key: str
    ) -> urllib.request.Request:
        """The request that sends files; one alone is called by the key."""
        references = [key] if len(files) == 1 else [f"{key}.{place}" for place in range(len(files))]
        entries = [
            {"client_ref": reference, "filename": name, "size": len(data)}
            for reference, (name, data) in zip(references, files, strict=True)
        ]
        boundary = uuid4().hex
        parts = [
            field_part(boundary, "batch_id", batch_id),
            field_part(boundary, "manifest", json.dumps(entries)),
            *(file_part(boundary, "files", name, data) for name, data in files),
            f"--{boundary}--\r\n".encode(),
        ]
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": key,
            **bearer(token),
        }
        return urllib.request.Request(f"{self.url}/v1/files/batch", b"".join(parts), headers)

    def replace(self, file_upload_id: str, token: str, filename: str, data: bytes) -> Answer:
        """Put other content in the file's place."""
        boundary = uuid4().hex
        body = file_part(boundary, "file", filename, data) + f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **bearer(token)}
        address = f"{self.url}/v1/files/{file_upload_id}/content"
        return send(urllib.request.Request(address, body, headers, method="PUT"))

    def upload_until_answered(self, batch_id: str, token: str, filename: str, data: bytes) -> Answer:
        """Repeat the same request with the same key until an answer comes, as a client does after a cut."""
        key = str(uuid4())
        deadline = time.monotonic() + 120
        while True:
            answer = self.upload(batch_id, token, filename, data, key)
            if answer.status in {201, 207} or time.monotonic() > deadline:
                return answer
            time.sleep(0.2)


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Installation]:
    """A running installation that keeps its state in ``folder``; it is stopped afterwards."""
    found = Installation(folder / "var", free_port(), variables=variables)
    try:
        found.start()
        yield found
    finally:
        found.stop()


def start_first(var: Path) -> None:
    """Start an installation in ``var`` for the first time, and stop it."""
    found = Installation(var, free_port(), fresh=True)
    try:
        found.start()
    finally:
        found.stop()


def bearer(token: str | None) -> dict[str, str]:
    """The authorization header, if there is a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def field_part(boundary: str, name: str, value: str) -> bytes:
    """One form field."""
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file_part(boundary: str, name: str, filename: str, data: bytes) -> bytes:
    """One file."""
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + data + b"\r\n"


def send(request: urllib.request.Request) -> Answer:
    """Send a request; status 0 when nobody answers, with what happened instead of a body."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, decoded(answer.read()), dict(answer.headers))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, decoded(error.read()), dict(error.headers))
    except OSError as error:
        return Answer(0, repr(error), {})


def decoded(body: bytes) -> Any:
    """The body as JSON, or as it is."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def dying_with_this_thread(command: list[str]) -> list[str]:
    """``command``, stopped when whoever starts it is killed, if its thread is one that lasts as long."""
    lasts = threading.current_thread() is threading.main_thread()
    return programs.dying_with_us(command, signal.SIGTERM) if lasts else command


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Any, seconds: float, what: str) -> float:
    """Wait until ``condition()`` holds and return how long it took; fail after ``seconds``."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began
