"""F7–F10, F31, F32: two relays, duplicates, shuffles, poison, a backlog, and a worker that comes too late."""

import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from batches.models import Batch
from files.actions import reading
from files.models import FileUpload
from huleedu.events.feed import NumberedMessage
from huleedu.failures.errors import ErrorCode
from huleedu.machine.stopping import Stop
from huleedu.models import DeadLetter, LoggedEvent, OutboxMessage, WorkItem
from huleedu.relay import delivery
from huleedu.relay import loop as relay
from huleedu.relay.loop import Relay
from huleedu.work import queue as work
from tests.conftest import essay_bytes
from tests.faults.checker import Checker
from tests.pipeline import Pipeline

BACKLOG = int(os.environ.get("FAULTS_BACKLOG", "10000"))
ESSAYS = 8


@pytest.fixture
def filled(pipeline: Pipeline, teacher: User) -> list[Batch]:
    """Three batches with one file too many, one duplicate and one empty file each; nothing relayed yet."""
    batches = [pipeline.register(teacher, 3) for _ in range(3)]
    for number, batch in enumerate(batches):
        for place in range(4):
            pipeline.upload(batch, essay_bytes(number * 10 + place))
        pipeline.upload(batch, essay_bytes(number * 10))
        pipeline.upload(batch, b"")
    return batches


def summary(batches: list[Batch]) -> list[tuple[str, list[str]]]:
    """What a teacher sees in the end."""
    found = []
    for batch in batches:
        batch.refresh_from_db()
        statuses = sorted(batch.files.values_list("status", flat=True))
        found.append((batch.status, statuses))
    return found


EXPECTED = [("completed_with_failures", ["assigned"] * 3 + ["duplicate", "excess", "failed"])] * 3


def gapless(batches: list[Batch]) -> bool:
    """Each batch's numbers are 1, 2, 3 …, in the order of the log."""
    for batch in batches:
        rows = LoggedEvent.objects.filter(batch_id=batch.pk, seq__isnull=False).order_by("id")
        numbers = list(rows.values_list("seq", flat=True))
        if numbers != list(range(1, len(numbers) + 1)):
            return False
    return True


@pytest.fixture
def two_relays(filled: list[Batch]) -> Iterator[Stop]:
    """Two relays with sessions of their own, beside the one that the test drives."""
    stop = Stop()

    def run(name: str) -> None:
        try:
            Relay(name).run(stop)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(f"relay-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    yield stop
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_two_relays_keep_order_and_do_nothing_twice(
    two_relays: Stop, pipeline: Pipeline, filled: list[Batch]
) -> None:
    until = time.monotonic() + 40
    while time.monotonic() < until and summary(filled) != EXPECTED:
        if not pipeline.work_once():
            time.sleep(0.05)
    two_relays.set()
    pipeline.run()
    assert summary(filled) == EXPECTED
    assert gapless(filled)
    assert not DeadLetter.objects.exists()
    assert_rows_hold()


def assert_rows_hold() -> None:
    """The checker's statements find nothing."""
    parameters = connection.get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    address = " ".join(f"{key}='{parameters[key]}'" for key in keys if parameters.get(key))
    nowhere = Path("/nonexistent")  # stored bytes are looked at elsewhere
    checker = Checker(address, nowhere, nowhere, [], "never written")
    checker.check_state()
    assert [line for line in checker.violations if "I1" not in line] == []


@pytest.mark.parametrize("seed", range(3))
def test_duplicates_and_wrong_order_change_nothing(
    pipeline: Pipeline, filled: list[Batch], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A relay that delivers some events again later, and those of one claim in any order."""
    choose = random.Random(seed)  # noqa: S311

    def careless(rows: Sequence[delivery.Claimed]) -> list[NumberedMessage]:
        return delivery.deliver(choose.sample(rows, k=len(rows)))

    monkeypatch.setattr(relay, "deliver", careless)
    for _ in range(30):
        pipeline.relay.drain()
        if choose.random() < 0.5:
            pipeline.deliver_again(choose.choice(filled).pk)
        pipeline.work_once()
    pipeline.run()
    assert summary(filled) == EXPECTED
    assert gapless(filled)
    assert not DeadLetter.objects.exists()
    for batch in filled:
        names = pipeline.event_types(batch)
        assert names.count("BatchResultsReady") == 1
        assert names.count("SpellcheckCompleted") == 3


@pytest.mark.parametrize(
    "poison",
    [
        {"event_type": "NoSuchEvent", "envelope": {"data": {}}},
        {"event_type": "BatchFileAdded", "envelope": {"data": {"batch_id": 7}}},
        {"event_type": "EssayContentProvisioned", "envelope": []},
    ],
)
def test_poison_is_set_aside_and_the_rest_goes_on(
    pipeline: Pipeline, filled: list[Batch], poison: dict[str, object]
) -> None:
    batch = filled[0]
    message = OutboxMessage.objects.create(
        event_id=uuid4().hex * 2, batch_id=batch.pk, lane=batch.pk.int % 16, **poison
    )
    for _ in range(6):
        pipeline.run()
        OutboxMessage.objects.filter(pk=message.pk).update(due_at=message.created_at)
    pipeline.run()
    assert summary(filled) == EXPECTED
    letter = DeadLetter.objects.get()
    assert (letter.event_type, letter.attempts) == (poison["event_type"], 4)
    assert not OutboxMessage.objects.exists()


def test_a_long_backlog_drains(pipeline: Pipeline, teacher: User) -> None:
    """As after a relay that stood still: rows of many batches, in order, each once."""
    batches = [pipeline.register(teacher, 1) for _ in range(20)]
    pipeline.run()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO huleedu_outboxmessage
                   (event_id, event_type, batch_id, lane, envelope, created_at, due_at)
            SELECT md5(copy::text || logged.id) || md5(logged.id || '/' || copy), logged.event_type, batch_id,
                   %s, jsonb_set(envelope, '{event_id}',
                                 to_jsonb(md5(copy::text || logged.id) || md5(logged.id || '/' || copy))),
                   now(), now()
            FROM huleedu_loggedevent logged, generate_series(1, %s) copy
            WHERE event_type = 'BatchEssaysRegistered'
            """,
            [3, BACKLOG // len(batches)],
        )
    began = time.monotonic()
    relayed = pipeline.relay.drain()
    seconds = time.monotonic() - began
    assert relayed >= BACKLOG
    assert not OutboxMessage.objects.exists()
    assert LoggedEvent.objects.count() >= BACKLOG
    assert relayed / seconds > 300, f"{relayed / seconds:.0f} a second"


def test_a_worker_that_was_away_too_long_changes_nothing(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    with work.claimed("extract") as late:
        assert late is not None
        # Meanwhile its lease is taken away and another worker does the work.
        WorkItem.objects.update(state="queued", leased_at=None)
        with work.claimed("extract") as successor:
            assert successor is not None
            reading.reject(successor, ErrorCode.EMPTY_CONTENT, {})
        reading.reject(late, ErrorCode.TIMEOUT, {})
    pipeline.run()
    row = FileUpload.objects.get(pk=upload.pk)
    assert row.error is not None
    assert row.error["error_code"] == "EMPTY_CONTENT"
    assert pipeline.event_types(batch).count("EssayValidationFailed") == 1
