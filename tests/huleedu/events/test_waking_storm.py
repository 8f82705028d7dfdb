"""No wake-up is lost, whoever dies: events of many producers beside two relays whose sessions are ended."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from huleedu.events.waking import AWAKE_CLASS
from huleedu.machine.stopping import Stop
from huleedu.models import LoggedEvent
from huleedu.relay import loop as relay_module
from huleedu.relay.loop import Relay
from tests.huleedu.emitting import start, subscribe
from tests.installation import wait_until

STORM_SECONDS = 12.0
NEVER = 60.0  # a relay that looked by itself would hide a wake-up that was lost
LATE_SECONDS = 1.0
PAUSES = (0.0, 0.001, 0.005, 0.02, 1.5, 2.5)
END_LEADER = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'huleedu_leadership'::regclass AND granted
"""
END_SLEEPER = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE datname = current_database() AND mode = 'ExclusiveLock' AND classid = %s
"""


class Undone(Exception):
    """A savepoint is rolled back."""


@dataclass
class Producer:
    """Commits events of one batch, with pauses and savepoints as its number says."""

    choose: random.Random
    batch_id: UUID = field(default_factory=uuid4)
    committed: list[float] = field(default_factory=list)

    def run(self, over: threading.Event) -> None:
        """Commit events until ``over``."""
        while not over.is_set():
            with transaction.atomic():
                self.undo()
                self.dawdle()
                with transaction.atomic():
                    start(self.batch_id, len(self.committed))
                self.undo()
                self.dawdle()
            self.committed.append(time.monotonic())
            time.sleep(self.choose.choice(PAUSES))
        connection.close()

    def undo(self) -> None:
        """Emit in vain, sometimes."""
        if self.choose.random() < 0.3:
            with suppress(Undone), transaction.atomic():
                start(self.batch_id, 1_000_000 + len(self.committed))
                raise Undone

    def dawdle(self) -> None:
        """Keep the transaction open, sometimes."""
        if self.choose.random() < 0.3:
            time.sleep(self.choose.random() * 0.02)


@contextmanager
def two_relays() -> Iterator[None]:
    """Two relays in threads, each with two connections for its lanes."""
    stop = Stop()

    def work(name: str) -> None:
        Relay(name, beside=True).run(stop)
        connection.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def storm(choose: random.Random) -> None:
    """End the sessions that lead, or that sleep, again and again."""
    until = time.monotonic() + STORM_SECONDS
    while time.monotonic() < until:
        time.sleep(3 + choose.random())  # a takeover looks anyway, which would hide a lost wake-up
        with connection.cursor() as cursor:
            if choose.random() < 0.5:
                cursor.execute(END_LEADER)
            else:
                cursor.execute(END_SLEEPER, [AWAKE_CLASS])


@pytest.mark.timeout(120)
def test_every_event_is_relayed_soon_once_and_in_order(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SAFETY_SECONDS", NEVER)
    seen: dict[tuple[UUID, int], float] = {}
    subscribe(monkeypatch, lambda event: seen.update({(event.batch_id, event.revision): time.monotonic()}))
    over = threading.Event()
    producers = [Producer(random.Random(number)) for number in range(3)]  # noqa: S311
    threads = [threading.Thread(target=producer.run, args=(over,)) for producer in producers]
    with two_relays():
        for thread in threads:
            thread.start()
        storm(random.Random(7))  # noqa: S311
        over.set()
        for thread in threads:
            thread.join(20)
        total = sum(len(producer.committed) for producer in producers)
        wait_until(lambda: LoggedEvent.objects.count() >= total, LATE_SECONDS, "everything is relayed")
    for producer in producers:
        logged = LoggedEvent.objects.filter(batch_id=producer.batch_id).order_by("id")
        revisions = [row.envelope["data"]["revision"] for row in logged]
        assert revisions == list(range(len(producer.committed)))
        for revision, committed in enumerate(producer.committed):
            assert seen[producer.batch_id, revision] - committed < LATE_SECONDS
