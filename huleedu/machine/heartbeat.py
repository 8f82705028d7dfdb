"""Are relays and step workers alive? Asked by the supervisor, which runs without Django, and by /readyz."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from huleedu.machine.programs import process_facts

WAITING_SECONDS = 10  # due work older than this should have been taken
ACTIVE_SECONDS = 10
LISTENING_SECONDS = 20
BUSY_SECONDS = 75  # the longest a healthy step may run: reading one file is cut off after 60 s
ASK_EVERY_SECONDS = 8.0
RELAYS_EVERY_SECONDS = 6.0
T = TypeVar("T")
# A machine that is gone without a word is noticed within about 11 s.
SESSION: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
}
ANSWER_SECONDS = 5.0  # a server that is there and says nothing is given up after that, and asked anew
LEADING_SECONDS = 15  # a relay that leads signs every 7 seconds
STANDING_BY_SECONDS = 45  # one that stands by every 20

SIGNS = f"""
SELECT EXISTS (SELECT 1 FROM huleedu_workitem
               WHERE state = 'queued' AND due_at < now() - interval '{WAITING_SECONDS} s'),
       EXISTS (SELECT 1 FROM huleedu_workitem
               WHERE state = 'running' AND leased_at > now() - interval '{BUSY_SECONDS} s'),
       EXISTS (SELECT 1 FROM huleedu_relaypresence
               WHERE role = 'worker' AND seen_at > now() - interval '{ACTIVE_SECONDS} s'),
       EXISTS (SELECT 1 FROM huleedu_relaypresence
               WHERE role = 'steps' AND seen_at > now() - interval '{LISTENING_SECONDS} s')
"""  # noqa: S608
# Work that runs does not tell on which machine; the worker that took it signed shortly before.
SIGNS_HERE = f"""
SELECT EXISTS (SELECT 1 FROM huleedu_relaypresence
               WHERE role = 'steps' AND starts_with(name, %(steps)s)
                     AND seen_at > now() - interval '{LISTENING_SECONDS} s'
                  OR role = 'worker' AND starts_with(name, %(worker)s)
                     AND seen_at > now() - make_interval(secs => %(seconds)s))
"""  # noqa: S608


@dataclass(frozen=True)
class Signs:
    """Due work is left waiting; an item runs; a worker took or ended one; somebody waits for tasks."""

    waiting: bool
    busy: bool
    active: bool
    listening: bool

    @property
    def alive(self) -> bool:
        """True when there is any sign of life."""
        return self.busy or self.active or self.listening

    @property
    def stuck(self) -> bool:
        """True when nothing happens although it should, or nobody is there at all."""
        return not self.busy and not self.active and (self.waiting or not self.listening)


class ImpatientSession(psycopg.Connection[tuple[Any, ...]]):
    """A session whose questions are answered in time, or raise ``OperationalError``."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's, with a limit of its own where none is given."""
        return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)


class Asking:
    """A session of its own for questions asked now and then: opening one costs far more than an answer."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._lock = threading.Lock()
        self._session: ImpatientSession | None = None

    def ask(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]] | None:
        """The rows of one statement; None when the database is away."""
        with self._lock:
            try:
                if self._session is None:
                    self._session = ImpatientSession.connect(self._database_url, autocommit=True, **SESSION)
                return self._session.execute(statement.encode(), parameters).fetchall()
            except psycopg.Error:
                self._close()
                return None

    def close(self) -> None:
        """End the session; the next question opens another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None


def steps_are_stuck(asking: Asking) -> bool:
    """True when the step workers of this machine should be restarted.

    They give no sign, whatever those of others do; or due work is left and no worker of any machine is at it,
    which does not tell where. A database that is away says nothing about them.
    """
    rows = asking.ask(SIGNS)
    if rows is None:
        return False
    signs = Signs(*rows[0])
    return signs.stuck or not is_alive_here(asking, busy=signs.busy)


def is_alive_here(asking: Asking, *, busy: bool) -> bool:
    """Whether this machine's step workers gave a sign; while work runs, it may be as old as that can be."""
    seconds = BUSY_SECONDS if busy else ACTIVE_SECONDS
    names = {role: prefix_of(role) for role in ("steps", "worker")}
    rows = asking.ask(SIGNS_HERE, {**names, "seconds": seconds})
    return rows is None or bool(rows[0][0])


def prefix_of(role: str) -> str:
    """What the names of this machine's processes of ``role`` begin with."""
    return f"{role}-{socket.gethostname()[:30]}-"


def steps_watch(asking: Asking) -> Callable[[], bool]:
    """A health check for the supervisor: false while the workers are stuck, asked a few times a minute."""
    asked_at, healthy = -ASK_EVERY_SECONDS, True

    def check() -> bool:
        nonlocal asked_at, healthy
        if time.monotonic() - asked_at >= ASK_EVERY_SECONDS:
            asked_at = time.monotonic()
            healthy = not steps_are_stuck(asking)
        return healthy

    return check


RELAYING = f"""
SELECT name FROM huleedu_relaypresence
WHERE role = 'relay' AND seen_at > now() - interval '{LEADING_SECONDS} s'
   OR role = 'standby' AND seen_at > now() - interval '{STANDING_BY_SECONDS} s'
"""  # noqa: S608


class RelayWatch:
    """Health checks of the relays on this machine, which share one question a few times a minute."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._lock = threading.Lock()
        self._asked_at = -RELAYS_EVERY_SECONDS
        self._names: list[str] | None = None

    def of(self, program: str) -> Callable[[], bool]:
        """A check: false while the relay in ``program`` neither leads nor stands by.

        A database that is away says nothing about it.
        """
        prefix = prefix_of(program)

        def check() -> bool:
            names = self._living()
            return names is None or any(lives(name, prefix) for name in names)

        return check

    def _living(self) -> list[str] | None:
        with self._lock:
            if time.monotonic() - self._asked_at >= RELAYS_EVERY_SECONDS:
                self._asked_at = time.monotonic()
                self._names = living_relays(self._asking)
            return self._names


def lives(name: str, prefix: str) -> bool:
    """Whether ``name`` is of a process of ours that exists: one that was killed may have left its sign."""
    pid = name.removeprefix(prefix)
    return name.startswith(prefix) and pid.isdigit() and process_facts(int(pid)) is not None


def living_relays(asking: Asking) -> list[str] | None:
    """The names of relays with a fresh sign of life; None when the database is away."""
    rows = asking.ask(RELAYING)
    return None if rows is None else [str(name) for (name,) in rows]
