"""Is this installation able to work? One check per thing that can be missing."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections

from files.store import FAILURES, reach
from huleedu.fit.agreement import Difference, find_differences, living
from huleedu.fit.wall_report import Missing, missing
from huleedu.machine.heartbeat import SIGNS, Signs
from huleedu.machine.wall_words import is_weak
from realtime.push import redis_client

OK, DEGRADED, FAILED = "ok", "degraded", "failed"
RELAY_SECONDS = 15
PROBE_FOLDER = "probe"
PROBE_SECONDS = 5.0


class Unwell(Exception):
    """A check that ran and did not find what it should; of processes, which differ in what or lack what."""

    def __init__(self, differences: Sequence[Difference] = (), missing: Sequence[Missing] = ()) -> None:
        super().__init__()
        self.differences = tuple(differences)
        self.missing = tuple(missing)


@dataclass(frozen=True)
class Finding:
    """The state of one thing, and the processes that its check named."""

    state: str
    differences: tuple[Difference, ...] = ()
    missing: tuple[Missing, ...] = ()


Check = Callable[[], Sequence[Missing] | None]


def check_database() -> None:
    """The database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_broker() -> None:
    """The table of tasks can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM django_q_ormq)")


class StoreProbe:
    """Writes a file into the content store now and then: whoever asks in between reads what was found.

    ``/readyz`` answers strangers, and each of their questions would write. A failure of the store, whoever
    met it, ends what a good finding says.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._found_at = -PROBE_SECONDS
        self._failures = -1

    def check(self) -> None:
        """Raises ``StorageFailed`` when the store took no file."""
        fresh = time.monotonic() - self._found_at < PROBE_SECONDS
        if fresh and self._failures == FAILURES.number:
            return
        failures = FAILURES.number
        reach(self._probe, settings.STORE_SECONDS)
        self._found_at, self._failures = time.monotonic(), failures

    def _probe(self) -> None:
        name = default_storage.save(f"{PROBE_FOLDER}/{uuid4().hex}", ContentFile(b"probe"))
        default_storage.delete(name)


STORE_PROBE = StoreProbe()


def check_storage() -> None:
    """The content store takes a file, or did a few seconds ago. Raises ``StorageFailed``."""
    STORE_PROBE.check()


def check_redis() -> None:
    """Live messages can be published; without it pages follow more slowly."""
    redis_client().ping()


def check_relay() -> None:
    """A relay was seen lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM huleedu_relaypresence"
            " WHERE role = 'relay' AND seen_at > now() - make_interval(secs => %s))",
            [RELAY_SECONDS],
        )
        if not cursor.fetchone()[0]:
            raise Unwell


def check_steps() -> None:
    """A step worker was seen lately."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNS)
        if not Signs(*cursor.fetchone()).alive:
            raise Unwell


def check_processes() -> None:
    """No living process harms the others: each has the installation's key, store and tables."""
    differences = find_differences(living())
    if any(each.harmful for each in differences):
        raise Unwell(differences)


def check_agreement() -> None:
    """All processes are of one release and have the same settings, and none that was refused is missing."""
    if differences := find_differences(living()):
        raise Unwell(differences)


def check_walls() -> Sequence[Missing]:
    """A reader of files that was taken over could do no harm; which walls are missing, if others make up."""
    found = missing()
    if any(is_weak(each.walls) for each in found):
        raise Unwell(missing=found)
    return found


CHECKS: dict[str, Check] = {
    "database": check_database,
    "broker": check_broker,
    "storage": check_storage,
    "redis": check_redis,
    "relay": check_relay,
    "steps": check_steps,
    "processes": check_processes,
    "agreement": check_agreement,
    "walls": check_walls,
}
ORDER = list(CHECKS)
OPTIONAL = frozenset({"redis", "agreement", "walls"})
APART = frozenset({"storage", "redis"})  # they can hang on their own; all others ask the database
SECONDS = 1.5  # for everything, so that a probe has its answer within two
ANEW_SECONDS = 5.0  # a round that hangs may hang on a connection that is dead while a new one would live
ROUNDS = 3  # at a time: probes that come while they hang wait for them, or are told at once


class Round:
    """One run over some checks in a thread of its own, which all who ask meanwhile look at."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self.findings: dict[str, Finding] = {}
        self.began = time.monotonic()
        self.ended = threading.Event()
        threading.Thread(target=self._run, args=(checks,), name="health", daemon=True).start()

    def _run(self, checks: dict[str, Check]) -> None:
        try:
            for name, check in checks.items():
                self.findings[name] = run_check(name, check)
        finally:
            connections.close_all()
            self.ended.set()


class Rounds:
    """The rounds over some checks that have not come back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rounds: list[Round] = []

    def current(self, checks: dict[str, Check]) -> Round:
        """A round to wait for: a fresh one, unless one that began lately or too many are still out."""
        with self._lock:
            self._rounds = [each for each in self._rounds if not each.ended.is_set()]
            newest = self._rounds[-1] if self._rounds else None
            patient = newest is not None and time.monotonic() - newest.began < ANEW_SECONDS
            if newest is not None and (patient or len(self._rounds) >= ROUNDS):
                return newest
            self._rounds.append(Round(checks))
            return self._rounds[-1]


ROUNDS_OF: defaultdict[frozenset[str], Rounds] = defaultdict(Rounds)


def run_checks() -> dict[str, Finding]:
    """Of each thing: ok, degraded (HuleEdu works without it), or failed. No answer is a failure."""
    together = {name: check for name, check in CHECKS.items() if name not in APART}
    return run_groups([together, *({name: CHECKS[name]} for name in CHECKS if name in APART)])


def run_alone(name: str) -> Finding:
    """The same of one thing that hangs on its own."""
    return run_groups([{name: CHECKS[name]}])[name]


def run_groups(groups: list[dict[str, Check]]) -> dict[str, Finding]:
    """The findings of all groups, which are looked at side by side, within the time for everything."""
    until = time.monotonic() + SECONDS
    findings: dict[str, Finding] = {}
    for current in [ROUNDS_OF[frozenset(group)].current(group) for group in groups]:
        current.ended.wait(max(0.0, until - time.monotonic()))
        findings |= dict(current.findings)
    names = [name for group in groups for name in group]
    return {name: findings.get(name, Finding(failure_of(name))) for name in sorted(names, key=ORDER.index)}


def run_check(name: str, check: Check) -> Finding:
    """What is found of one thing; any failure of the check is a failure of the thing."""
    try:
        lacking = check() or ()
    except Unwell as found:
        return Finding(failure_of(name), found.differences, found.missing)
    except Exception:
        return Finding(failure_of(name))
    return Finding(OK, missing=tuple(lacking))


def failure_of(name: str) -> str:
    """What a thing is that is not there."""
    return DEGRADED if name in OPTIONAL else FAILED
