"""A store whose answers are short or wrong for some seconds fails nothing; damage is found to be damage."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from batches.models import Batch
from files import content
from files.models import StoredContent
from files.store import STORE
from huleedu.failures.errors import ContentDamaged, StorageFailed
from huleedu.fit.store_mark import claim_store
from huleedu.models import DeadLetter, WorkItem
from tests.api import client_of, problem
from tests.conftest import essay_bytes
from tests.faults.lying_store import Lie, LyingStore, Said, way_to
from tests.faults.test_object_store import until
from tests.faults.test_store_damage import verify
from tests.object_store import ObjectStore, object_store
from tests.pipeline import Pipeline

TAG = {"etag": '"00000000000000000000000000000000"', "content-type": "application/octet-stream"}
GONE = Said(404, {"content-type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")
MOST_POURED = 64 * 1024 * 1024  # what lies in buffers between the two


def of_content(say: Callable[[bytes], Said]) -> Lie:
    """A lie about stored content; all else is right."""
    return lambda verb, key, honest: say(honest().body) if verb == "GET" and "/" in key else None


def of_all(say: Callable[[bytes], Said]) -> Lie:
    """A lie about everything that is read."""
    return lambda verb, _key, honest: say(honest().body) if verb == "GET" else None


UNWELL: dict[str, Lie] = {
    "short": of_content(lambda body: Said(200, TAG, body[: len(body) // 2])),
    "empty": of_content(lambda body: Said(200, TAG)),
    "broken off": of_content(lambda body: Said(200, TAG, body[: len(body) // 2], len(body))),
    "longer": of_content(lambda body: Said(200, TAG, body + b"x")),
    "each time another": of_content(lambda body: Said(200, TAG, os.urandom(len(body)))),
    "listed and not there": of_content(lambda body: GONE),
    "all short": of_all(lambda body: Said(200, TAG, body[: len(body) // 2])),
    "all turned over": of_all(lambda body: Said(200, TAG, body[::-1])),
    "without an end": of_content(lambda body: Said(200, TAG, body + b"x" * 65536, endless=True)),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture
def store(server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingStore]:
    """The way to the store, and its mark."""
    with way_to(server, settings, monkeypatch) as found:
        yield found


@pytest.fixture
def text_id(store: LyingStore, teacher: User) -> UUID:
    """A stored text, in a store with its mark."""
    claim_store()
    stored = content.store_text(uuid4(), "A text that is long enough to be cut in two.")
    content.record(stored, teacher.pk, None)
    return stored.id


def is_marked() -> bool:
    return StoredContent.objects.filter(damaged_at__isnull=False).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("fault", UNWELL)
def test_readers_are_told_to_come_back(store: LyingStore, text_id: UUID, teacher: User, fault: str) -> None:
    store.lie = UNWELL[fault]
    problem(client_of(teacher).get(f"/v1/content/{text_id}"), 503, "STORAGE_FAILED")
    STORE.forget()
    with pytest.raises(StorageFailed):
        content.check_one("text", text_id)
    assert not is_marked()
    until(lambda: store.pouring == 0)
    assert store.poured < MOST_POURED
    STORE.forget()
    store.lie = None
    assert content.read_text(text_id).startswith("A text")


@pytest.mark.django_db
def test_one_wrong_answer_is_not_even_noticed(store: LyingStore, text_id: UUID) -> None:
    once = [GONE]
    store.lie = lambda verb, key, _honest: once.pop() if once and verb == "GET" and "/" in key else None
    assert content.read_text(text_id).startswith("A text")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("damage", ["missing", "changed", "shorter"])
def test_what_is_damaged_is_found_to_be(
    store: LyingStore, server: ObjectStore, text_id: UUID, damage: str
) -> None:
    name = content.storage_name("text", text_id)
    whole = server.get(name)
    if damage == "missing":
        server.delete(name)
    else:
        server.put(name, whole[::-1] if damage == "changed" else whole[:5])
    with pytest.raises(ContentDamaged):
        content.read_text(text_id)
    assert is_marked()
    server.put(name, whole)
    content.read_text(text_id)
    assert not is_marked()


@pytest.mark.parametrize("fault", ["short", "each time another", "listed and not there", "all short"])
def test_work_waits_and_no_try_counts(
    store: LyingStore, pipeline: Pipeline, teacher: User, fault: str
) -> None:
    claim_store()
    batch = pipeline.register(teacher, 1, max_retries=0)
    pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    store.lie = UNWELL[fault]
    for _ in range(4):
        WorkItem.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        STORE.breaker._next_probe_at = 0.0
        pipeline.work_once()
    item = WorkItem.objects.get()
    assert item.attempts <= item.max_retries
    assert not DeadLetter.objects.exists() and not is_marked()
    store.lie = None
    until(lambda: WorkItem.objects.update(due_at=timezone.now()) >= 0 and has_ended(pipeline, batch))


def has_ended(pipeline: Pipeline, batch: Batch) -> bool:
    pipeline.run()
    batch.refresh_from_db()
    return batch.status == Batch.Status.COMPLETED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["short", "broken off", "each time another"])
def test_verifying_goes_on_after_what_cannot_be_told(
    store: LyingStore, server: ObjectStore, text_id: UUID, teacher: User, fault: str
) -> None:
    gone = content.store_text(uuid4(), "gone")
    content.record(gone, teacher.pk, None)
    server.delete(content.storage_name("text", gone.id))
    lie, name = UNWELL[fault], content.storage_name("text", text_id)
    store.lie = lambda verb, key, honest: lie(verb, key, honest) if key == name else None
    code, text = verify()
    assert code == 1
    assert f"unreadable text {text_id}" in text and f"missing text {gone.id}" in text
    assert set(StoredContent.objects.filter(damaged_at__isnull=False)) == {
        StoredContent.objects.get(pk=gone.id)
    }
