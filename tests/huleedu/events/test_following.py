"""What follows from a change happens with it, once and in order, or is left to the relay."""

import subprocess
import sys
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from batches.models import Batch
from files.models import FileUpload
from huleedu.events.following import TABLE, followed
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchEndChanged, BatchStarted, Event
from huleedu.models import ConsumedEvent, LoggedEvent, OutboxMessage
from huleedu.relay.loop import Relay
from huleedu.subscriptions import SUBSCRIPTIONS
from tests.conftest import essay_bytes
from tests.huleedu.emitting import start, subscribe
from tests.pipeline import Pipeline


def started(batch_id: UUID, revision: int = 0) -> BatchStarted:
    return BatchStarted(
        batch_id=batch_id,
        correlation_id=uuid4(),
        revision=revision,
        who=1,
        status="ready",
        expected_essay_count=1,
    )


@followed
def start_followed(batch_id: UUID, revision: int = 0) -> None:
    """Start, and have what follows happen at once."""
    emit(started(batch_id, revision))


@pytest.fixture
def seen(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The revisions that the one reaction has seen."""
    revisions: list[int] = []
    subscribe(monkeypatch, lambda event: revisions.append(event.revision))
    return revisions


def test_what_follows_happens_with_the_change_and_not_again(seen: list[int]) -> None:
    start_followed(uuid4())
    assert (seen, OutboxMessage.objects.get().reacted) == ([0], True)
    assert ConsumedEvent.objects.count() == 1
    assert Relay().drain() == 1
    assert (seen, LoggedEvent.objects.count()) == ([0], 1)


def test_what_a_reaction_tells_is_followed_too(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def tell_more(event: Event) -> None:
        emit(BatchEndChanged(**event.data()))

    ended = (lambda event: told.append(type(event).__name__),)
    monkeypatch.setattr(TABLE, "reactions", {"BatchStarted": (tell_more,), "BatchEndChanged": ended})
    start_followed(uuid4())
    assert told == ["BatchEndChanged"]
    types = list(OutboxMessage.objects.order_by("pk").values_list("event_type", flat=True))
    assert types == ["BatchStarted", "BatchEndChanged"], "in order"


def test_nothing_overtakes_what_waits_for_the_relay(seen: list[int]) -> None:
    batch_id = uuid4()
    start(batch_id, 0)
    start_followed(batch_id, 1)
    start_followed(uuid4(), 2)
    assert OutboxMessage.objects.filter(reacted=False).count() == 2, "another batch waits for nobody"
    seen.clear()
    Relay().drain()
    assert seen == [0, 1]


def test_a_fact_that_was_known_has_no_second_effect(seen: list[int]) -> None:
    batch_id = uuid4()
    start_followed(batch_id)
    Relay().drain()
    start_followed(batch_id)
    Relay().drain()
    assert LoggedEvent.objects.get().deliveries == 2
    assert ConsumedEvent.objects.count() == 1


def test_a_reaction_that_fails_is_left_to_the_relay_and_the_change_stays(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [True]

    def react(event: Event) -> None:
        ConsumedEvent.objects.create(consumer="effect", event_id=str(event.revision))
        if failing:
            raise ValueError(failing.pop())

    subscribe(monkeypatch, react)
    start_followed(uuid4())
    assert not OutboxMessage.objects.get().reacted
    assert not ConsumedEvent.objects.exists(), "what the reaction did is undone"
    Relay().drain()
    assert ConsumedEvent.objects.filter(consumer="effect").count() == 1


def test_a_change_that_fails_has_no_effect_at_all(seen: list[int]) -> None:
    @followed
    def change() -> None:
        emit(started(uuid4()))
        raise KeyError

    with pytest.raises(KeyError):
        change()
    assert not seen and not OutboxMessage.objects.exists()


def test_a_file_is_placed_by_the_transaction_that_read_it(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    pipeline.work_once()
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.ASSIGNED
    assert (
        not OutboxMessage.objects.filter(reacted=False).exclude(event_type="FileProcessingStarted").exists()
    )


def test_a_locked_batch_is_read_once_within_a_change(pipeline: Pipeline, teacher: User) -> None:
    batch_id = pipeline.register(teacher, 1).pk
    found: list[Batch] = []

    @followed
    def look_twice() -> None:
        found.extend((Batch.objects.locked(batch_id), Batch.objects.locked(batch_id)))

    look_twice()
    look_twice()
    assert found[0] is found[1] and found[2] is found[3] and found[1] is not found[2]


def test_every_process_knows_the_table() -> None:
    """Otherwise what it tells would pass for events that nobody reacts to."""
    code = (
        "import django; django.setup();"
        "from huleedu.events.following import TABLE; print(len(TABLE.reactions))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ended.stdout) == len(SUBSCRIPTIONS)
