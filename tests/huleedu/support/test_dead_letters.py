"""Dead letters: replay sets things going again for good, discard closes, both happen once."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from batches.models import Batch
from files.actions import removing, rereading
from files.models import FileUpload
from huleedu import subscriptions
from huleedu.events.following import TABLE
from huleedu.failures.errors import Refused
from huleedu.models import DeadLetter, OutboxMessage, WorkItem
from huleedu.support.dead_letters import discard, replay
from results.models import BatchResult
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline


@pytest.fixture
def support(db: None) -> User:
    return User.objects.create_user("support", password="correct horse battery", is_staff=True)


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    monkeypatch.setattr("huleedu.work.queue.backoff", lambda _attempts: timedelta(0))


def explode(*_: object) -> None:
    raise ValueError("an essay sentence")


def fail_extraction(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> tuple[Batch, FileUpload]:
    """A batch of one file whose extraction died of our own fault."""
    batch = pipeline.register(teacher, 1, max_retries=1)
    with monkeypatch.context() as patch:
        patch.setattr("files.sandbox.run", lambda *_args, **_kwargs: explode())
        upload = pipeline.upload(batch, essay_bytes(1))
        pipeline.run()
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.FAILED
    return batch, upload


def test_replayed_extraction_gives_the_teacher_her_essay(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, upload = fail_extraction(pipeline, teacher, monkeypatch)
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.event_type, letter.attempts) == ("work", "extract", 2)
    assert "essay sentence" not in letter.first_error + letter.last_error

    replay(letter, support)
    replay(letter, support)
    pipeline.run()
    upload.refresh_from_db()
    batch.refresh_from_db()
    assert (upload.status, batch.status) == ("assigned", "completed")
    assert len(pipeline.events(batch, "FileReprocessRequested")) == 1
    letter.refresh_from_db()
    assert (letter.status, letter.handled_by_id) == ("replayed", support.pk)
    assert letter.handled_at is not None


def test_replayed_spelling_check_completes_the_batch(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pipeline.register(teacher, 1, max_retries=0)
    upload = pipeline.upload(batch, essay_bytes(1))
    with monkeypatch.context() as patch:
        patch.setattr("files.content.read_text", explode)
        pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.FAILED
    letter = DeadLetter.objects.get()
    assert letter.file_upload_id == upload.pk

    replay(letter, support)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    assert list(BatchResult.objects.order_by("run").values_list("status", flat=True)) == [
        "failed",
        "completed",
    ]


def test_replay_of_work_is_refused_when_the_file_has_moved_on(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _batch, upload = fail_extraction(pipeline, teacher, monkeypatch)
    letter = DeadLetter.objects.get()
    rereading.reread(upload, teacher)
    pipeline.run()
    with pytest.raises(Refused, match="DEAD_LETTER_OUTDATED"):
        replay(letter, support)
    letter.refresh_from_db()
    assert (letter.status, letter.handled_at) == ("dead", None)
    discard(letter, support)
    letter.refresh_from_db()
    assert letter.status == "discarded"
    upload.refresh_from_db()
    assert upload.revision == 1


def test_a_removed_file_is_not_brought_back(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _batch, upload = fail_extraction(pipeline, teacher, monkeypatch)
    removing.remove(upload)
    with pytest.raises(Refused, match="DEAD_LETTER_OUTDATED"):
        replay(DeadLetter.objects.get(), support)


def test_a_replayed_event_has_its_whole_effect(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pipeline.register(teacher, 1)
    with monkeypatch.context() as patch:
        patch.setattr(
            TABLE,
            "reactions",
            {**subscriptions.SUBSCRIPTIONS, "BatchFileAdded": (explode,)},
        )
        upload = pipeline.upload(batch, essay_bytes(1))
        for _ in range(4):
            pipeline.relay.drain()
    assert not OutboxMessage.objects.exists()
    assert not WorkItem.objects.exists()
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.file_upload_id, letter.attempts) == ("event", upload.pk, 4)
    assert letter.correlation_id == upload.correlation_id
    assert letter.topic == "essay.processing.dlq"

    replay(letter, support)
    assert OutboxMessage.objects.get().attempts == 0
    replay(letter, support)
    assert OutboxMessage.objects.count() == 1
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED


def test_a_failed_replay_leaves_the_letter_dead(pipeline: Pipeline, support: User) -> None:
    letter = DeadLetter.objects.create(
        kind="work",
        event_type="extract",
        batch_id=uuid4(),
        file_upload_id=uuid4(),
        correlation_id=uuid4(),
        envelope={"step": "extract", "subject_id": str(uuid4()), "revision": 0},
        consumer="extract",
        attempts=4,
        first_error="ValueError",
        last_error="ValueError",
        first_failed_at="2026-01-01T00:00:00Z",
    )
    with pytest.raises(Refused):
        replay(letter, support)
    assert DeadLetter.objects.get().status == "dead"


def test_a_discarded_letter_stays_discarded(
    pipeline: Pipeline, teacher: User, support: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _batch, upload = fail_extraction(pipeline, teacher, monkeypatch)
    letter = DeadLetter.objects.get()
    discard(letter, support)
    replay(letter, teacher)
    letter.refresh_from_db()
    assert (letter.status, letter.handled_by_id) == ("discarded", support.pk)
    upload.refresh_from_db()
    assert upload.revision == 0
