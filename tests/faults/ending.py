"""Programs of a larger installation, each started by itself, signalled, and watched until nothing is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from huleedu.machine.programs import processes
from tests.faults.world import alive, children
from tests.installation import ROOT, free_port

LIMIT_SECONDS = 10.0
MARK = "ENDING_MARK"


def program(name: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and the variables of one kind of process, as docs/operations.md has it."""
    if name == "web":
        return ["-m", "huleedu.server", "-p", str(free_port())], {"HULEEDU_PROCESS": "web"}
    if name == "standby":
        return ["manage.py", "relay"], {"HULEEDU_PROCESS": "standby"}
    return ["manage.py", "qcluster"], {"HULEEDU_PROCESS": name, "Q_CLUSTER_NAME": name}


def database_address() -> str:
    """The address of the database that the running test uses."""
    found = connection.get_connection_params()
    names = ("user", "password", "host", "dbname")
    user, password, host, dbname = (str(found.get(name) or "") for name in names)
    return f"postgresql://{user}:{password}@{host.replace('/', '%2F')}/{dbname}"


@dataclass
class Program:
    """A started program and everything it has started."""

    process: "subprocess.Popen[bytes]"
    mark: str
    log: Path

    @property
    def text(self) -> str:
        """What it has written."""
        return self.log.read_text(errors="replace")

    def living(self) -> list[int]:
        """All of its processes, by their environment, where that is not hidden by their session.

        Those of the sandbox have neither and are known by their parents.
        """
        found = {each.pid for each in processes() if each.session == self.process.pid}
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit() and self.mark.encode() in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
        todo = list(found)
        while todo:
            below = set(children(todo.pop())) - found
            found |= below
            todo += below
        return [pid for pid in found if alive(pid)]

    def wait_idle(self) -> None:
        """Return when it has loaded, listens to signals, and has had a second to start what it starts."""

        until(lambda: signal.SIGTERM in self.signals("SigCgt"), 120)
        time.sleep(1)

    def wait_for_its_first_line(self) -> None:
        """Return when the program itself, and no longer Python's own start, decides what SIGINT does."""

        def has_begun() -> bool:
            caught = self.signals("SigCgt")
            python_is_there = signal.SIGPIPE in self.signals("SigIgn")
            return python_is_there and (signal.SIGINT not in caught or signal.SIGTERM in caught)

        until(has_begun)

    def signals(self, kind: str) -> set[int]:
        """The signals that its first process catches (``SigCgt``) or ignores (``SigIgn``)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        mask = int(status.partition(f"{kind}:")[2].split()[0], 16)
        return {number for number in range(1, 65) if mask >> (number - 1) & 1}

    def send(self, number: signal.Signals, group: bool) -> None:
        """Signal the first process, or its group."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def end(self, number: signal.Signals, *, group: bool, twice: bool = False) -> float:
        """Signal it and insist on everything that an end must be; returns the seconds it took."""
        known, began = self.living(), time.monotonic()
        self.send(number, group)
        if twice:
            time.sleep(0.3)
            self.send(number, group)
        code = self.process.wait(LIMIT_SECONDS)
        seconds = time.monotonic() - began
        assert code in {0, -number, 128 + number}, (code, self.text)
        while left := [pid for pid in {*self.living(), *known} if alive(pid)]:
            assert time.monotonic() - began < LIMIT_SECONDS, (left, self.text)
            time.sleep(0.02)
        assert "Traceback" not in self.text, self.text
        return seconds


@contextmanager
def started(
    arguments: list[str], variables: Mapping[str, str], folder: Path, **more: str
) -> Iterator[Program]:
    """Start a program in a group of its own; nothing of it outlives the block."""
    mark, log = uuid4().hex, folder / f"{uuid4().hex}.log"
    prepared = folder.parent / "prepared-dictionaries"  # once for all tests: they take seconds
    prepared.mkdir(exist_ok=True)
    if not (folder / "cache").exists():
        (folder / "cache").symlink_to(prepared)
    environment = {
        **os.environ,
        "DATABASE_URL": database_address(),
        "HULEEDU_VAR": str(folder),
        "HULEEDU_STORAGE": default_storage.path(""),
        "SECRET_KEY": settings.SECRET_KEY,
        "HULEEDU_USER": "root",  # as these tests, which put content into the same store
        MARK: mark,
        **variables,
        **more,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={name: value for name, value in environment.items() if value},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    found = Program(process, mark, log)
    try:
        yield found
    finally:
        for pid in found.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to happen; fail after ``seconds``."""
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over
        time.sleep(0.02)
