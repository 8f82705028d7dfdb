"""A running installation seen from below: its processes, its database, its Valkey, its folders and logs."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from huleedu.embedded import PostgresServer, ValkeyServer
from tests.faults.calls import Reached
from tests.installation import ROOT

AT_MOST_SECONDS = 300.0
POLL_SECONDS = 0.05
QUIET = """
SELECT (SELECT count(*) FROM huleedu_outboxmessage) + (SELECT count(*) FROM huleedu_workitem)
     + (SELECT count(*) FROM huleedu_timer WHERE due_at <= now())
"""


@dataclass
class World:
    """Everything a fault needs to know of one installation."""

    installation: Reached
    _token: str = ""

    @property
    def var(self) -> Path:
        """The state folder."""
        return self.installation.var

    @property
    def database_url(self) -> str:
        """How the application reaches PostgreSQL."""
        return PostgresServer(self.var).url

    @property
    def content(self) -> Path:
        """The content store."""
        return self.var / "content"

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A session of the application's own role, in autocommit."""
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=3)

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        with self.connect() as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def execute(self, statement: str, *parameters: object) -> None:
        """Run one statement that returns nothing."""
        with self.connect() as connection:
            connection.execute(statement.encode(), parameters)

    def count(self, statement: str, *parameters: object) -> int:
        """The one number a statement answers."""
        return int(self.query(statement, *parameters)[0][0])

    def tell_valkey(self, *words: str) -> object:
        """One command to the installation's Valkey, and its answer."""
        client: Any = Redis.from_url(ValkeyServer(self.var).url, socket_timeout=3)
        with client:
            return client.execute_command(*words)

    def pid(self, name: str) -> int:
        """The process id of a supervised program; 0 while it is being restarted."""
        try:
            number = int((self.var / "run" / f"{name}.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return 0
        return number if alive(number) else 0

    def workers(self, name: str) -> list[int]:
        """Processes of a cluster below its first two (parent and guard): workers, monitor, pusher."""
        guards = [child for child in children(self.pid(name)) if not is_founder(child)]
        return [each for guard in guards for each in children(guard)]

    def role(self, role: str) -> list[int]:
        """Living step processes in one role: ``steps`` fetches tasks, ``worker`` runs them."""
        rows = self.query("SELECT name FROM huleedu_relaypresence WHERE role = %s", role)
        numbers = {int(name.rsplit("-", 1)[1]) for (name,) in rows}
        return [pid for pid in self.workers("steps") if pid in numbers]

    def relays(self, role: str = "relay") -> list[int]:
        """Living processes that relay, or those that stand by with ``role`` ``standby``."""
        rows = self.query("SELECT name FROM huleedu_relaypresence WHERE role = %s", role)
        numbers = {int(name.rsplit("-", 1)[1]) for (name,) in rows}
        return [pid for pid in [*self.workers("relay"), self.pid("standby")] if pid in numbers]

    def leading(self) -> str:
        """The name of the program whose relay leads; empty while none does."""
        found = self.relays()
        return "" if not found else "standby" if found[0] == self.pid("standby") else "relay"

    def sandboxes(self) -> list[int]:
        """Warm processes in which untrusted files are read and texts are checked."""
        return [child for parent in [*self.workers("steps"), *self.founders()] for child in children(parent)]

    def founders(self) -> list[int]:
        """Warm processes from which those that check texts are forked."""
        return [child for child in children(self.pid("steps")) if is_founder(child)]

    def is_quiet(self) -> bool:
        """True when nothing is due and everything answers."""
        return self.due() == 0 and self.is_ready()

    def is_ready(self) -> bool:
        """True when every check of the installation is well, Valkey's included.

        Processes may differ that a test started beside it, or have been killed lately.
        """
        answer = self.installation.get("/readyz")
        return answer.status == 200 and answer.body["checks"]["redis"] == "ok"

    def wait_quiet(self, seconds: float = 60.0) -> float:
        """Wait until nothing is due; returns how long that took. Fails after ``seconds`` without progress.

        How long much work takes is the machine's affair; that it goes on is the installation's.
        """
        began = moved = time.monotonic()
        fewest = None
        while not self.is_quiet():
            due = self.due()
            if due is not None and (fewest is None or due < fewest):
                fewest, moved = due, time.monotonic()
            stands = time.monotonic() - moved
            assert stands < seconds, f"nothing done for {seconds:.0f} s: the installation is quiet"
            assert time.monotonic() - began < AT_MOST_SECONDS, f"{due} left: the installation is quiet"
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began

    def due(self) -> int | None:
        """How much is due; None while the database is away."""
        with suppress(psycopg.Error):
            return self.count(QUIET)
        return None

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command against the installation."""
        hidden = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HULEEDU_FAILPOINT"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            check=False,
            cwd=ROOT,
            env={**environment, "HULEEDU_VAR": str(self.var)},
            capture_output=True,
            text=True,
        )

    def add_account(self, username: str, role: str = "teacher") -> str:
        """Make an account and return a token of it."""
        done = self.manage("create_account", role, username)
        assert done.returncode == 0, done.stderr
        body = {"username": username, "password": done.stdout.strip().splitlines()[-1]}
        answer = self.installation.post("/v1/auth/token", body)
        assert answer.status == 201, answer
        return str(answer.body["token"])

    def teacher_token(self) -> str:
        """A token of the first teacher, asked for once: there is a limit on asking."""
        self._token = self._token or self.installation.token()
        return self._token

    def marker(self, failpoint: str) -> Path:
        """The file that says that a failpoint has been reached; without it the failpoint is armed."""
        return self.var / "run" / f"failpoint-{failpoint}-1"

    def log_text(self) -> str:
        """Everything the installation has logged."""
        return "\n".join(
            path.read_text(errors="replace")
            for path in sorted((self.var / "logs").iterdir())
            if path.is_file()
        )


def alive(pid: int) -> bool:
    """True while the process runs and is not only waiting to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def children(pid: int) -> list[int]:
    """The living children of a process."""
    found: list[int] = []
    if pid:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(number) for number in task.read_text().split()]
    return [child for child in sorted(found) if alive(child)]


def is_founder(pid: int) -> bool:
    """Whether a child of a cluster's first process is what its nurseries are forked from."""
    with suppress(OSError):
        return b"nursery.found" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Signal a process; False when it is gone already."""
    try:
        if pid > 1:
            os.kill(pid, number)
            return True
    except ProcessLookupError:
        pass
    return False
