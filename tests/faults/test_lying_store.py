"""F23: what answers in the store's place is no S3 server, or did not do what it says: the store is away."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.models import Batch
from files import content, s3_answers
from files.models import StoredContent
from files.store import STORE, reach
from huleedu.failures.errors import StorageFailed
from huleedu.fit.store_mark import OURS, UNSEEN, check_store, claim_store
from huleedu.models import DeadLetter, OutboxMessage, WorkItem
from huleedu.relay.maintenance import tidy_store
from tests.api import client_of, problem, register
from tests.conftest import essay_bytes
from tests.faults.lying_store import LyingStore, Said, way_to
from tests.faults.test_object_store import goes_on, nothing_was_promised, refused, send, until
from tests.faults.test_store_damage import verify
from tests.object_store import ObjectStore, object_store
from tests.pipeline import Pipeline

HTML = {"content-type": "text/html; charset=utf-8"}
XML = {"content-type": "application/xml"}
TAG = {"etag": '"00000000000000000000000000000000"'}
PORTAL = b"<!DOCTYPE html><html><body>Sign in to the school's network</body></html>"
LIES = {
    "a page": Said(200, HTML, PORTAL),
    "a page with a tag": Said(200, {**HTML, **TAG}, PORTAL),
    "nothing": Said(200),
    "well-formed": Said(200, XML, b"<html><body/></html>"),
    "elsewhere": Said(302, {"location": "http://127.0.0.1:9/portal"}),
    "for ever elsewhere": Said(301, {**HTML, "location": "http://127.0.0.1:9/portal"}, PORTAL),
    "a page that is missing": Said(404, HTML, PORTAL),
    "a word": Said(404, {"content-type": "text/plain"}, b"not found"),
    "sign in": Said(511, HTML, PORTAL),
    "who are you": Said(407, HTML, PORTAL),
    "bad date": Said(200, {**TAG, "last-modified": "yesterday", "content-type": "application/octet-stream"}),
}
FEW = ("a page with a tag", "nothing", "elsewhere", "a page that is missing")  # where each takes long
VERBS = ("PUT", "GET", "HEAD", "LIST", "DELETE")
# As some S3 servers answer; and nothing is believed of a deletion.
HARMLESS = {("DELETE", "nothing"), ("DELETE", "bad date")}
CASES = [(verb, lie) for verb in VERBS for lie in LIES if (verb, lie) not in HARMLESS]


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture
def store(server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingStore]:
    """The way to the store, on which somebody may lie."""
    with way_to(server, settings, monkeypatch) as found:
        yield found


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def calls() -> dict[str, Callable[[], Any]]:
    """One call of the store for each verb."""
    return {
        "PUT": lambda: default_storage.save("raw/ab/put", ContentFile(b"bytes")),
        "GET": lambda: default_storage.open("raw/ab/there").read(),
        "HEAD": lambda: default_storage.get_modified_time("raw/ab/there"),
        "LIST": lambda: default_storage.listdir("raw/ab"),
        "DELETE": lambda: default_storage.delete("raw/ab/there"),
    }


@pytest.mark.parametrize(("verb", "lie"), CASES, ids=[f"{verb} {lie}" for verb, lie in CASES])
def test_what_no_store_says_is_a_store_that_is_away(store: LyingStore, verb: str, lie: str) -> None:
    default_storage.save("raw/ab/there", ContentFile(b"bytes"))
    store.lies(verb, LIES[lie])
    for _ in range(5):
        with pytest.raises(StorageFailed):
            reach(calls()[verb], 20)
    assert STORE.breaker.is_open, "it counts as away"


@pytest.mark.parametrize("verb", VERBS)
def test_what_the_store_says_itself_is_believed(store: LyingStore, verb: str) -> None:
    default_storage.save("raw/ab/there", ContentFile(b"bytes"))
    reach(calls()[verb], 20)
    default_storage.delete("raw/ab/there")
    if verb in {"GET", "HEAD"}:
        with pytest.raises(StorageFailed) as failed:
            reach(calls()[verb], 20)
        assert isinstance(failed.value.__cause__, FileNotFoundError)
    assert not STORE.breaker.is_open


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lie", [*FEW, "another tag"])
def test_no_file_is_acknowledged_that_was_not_stored(
    store: LyingStore, server: ObjectStore, client: APIClient, lie: str
) -> None:
    batch_id, key, data = register(client)["batch_id"], str(uuid4()), essay_bytes(1)
    OutboxMessage.objects.all().delete()
    store.lies("PUT", Said(200, TAG) if lie == "another tag" else LIES[lie])
    refused(send(client, batch_id, key, data))
    assert nothing_was_promised() and server.list() == []
    store.lie = None
    goes_on(client, batch_id, key, data, server)


@pytest.mark.django_db(transaction=True)
def test_other_bytes_than_were_put_are_not_acknowledged(store: LyingStore, client: APIClient) -> None:
    """The store kept something, and tells a tag that is not its MD5, as an encrypting one does."""
    batch_id = register(client)["batch_id"]
    OutboxMessage.objects.all().delete()

    def lie(verb: str, _key: str, honest: Callable[[], Said]) -> Said | None:
        if verb == "PUT":
            return Said(200, {**honest().headers, **TAG})
        return Said(200, {**TAG}, b"x" * len(essay_bytes(1))) if verb == "GET" else None

    store.lie = lie
    refused(send(client, batch_id, str(uuid4()), essay_bytes(1)))
    assert nothing_was_promised()


def test_a_store_that_encrypts_is_read_back_and_others_are_asked_once(store: LyingStore) -> None:
    default_storage.save("raw/ab/plain", ContentFile(b"bytes"))
    assert store.asked == [("PUT", "raw/ab/plain")]
    store.lie = lambda verb, _key, honest: Said(200, {**honest().headers, **TAG}) if verb == "PUT" else None
    default_storage.save("raw/ab/secret", ContentFile(b"bytes"))
    assert store.asked[1:] == [("PUT", "raw/ab/secret"), ("GET", "raw/ab/secret")]


@pytest.mark.parametrize("lie", FEW)
def test_work_waits_and_no_content_is_called_damaged(
    store: LyingStore, pipeline: Pipeline, teacher: User, lie: str
) -> None:
    batch = pipeline.register(teacher, 1, max_retries=0)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    store.lies("GET", LIES[lie])
    for _ in range(6):
        WorkItem.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        STORE.breaker._next_probe_at = 0.0
        pipeline.work_once()
    problem(client_of(teacher).get(f"/v1/content/{upload.raw_id}"), 503, "STORAGE_FAILED")
    with pytest.raises(CommandError, match="does not answer"):
        verify()
    item = WorkItem.objects.get()
    assert item.attempts <= item.max_retries and not DeadLetter.objects.exists()
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()
    store.lie = None
    until(lambda: WorkItem.objects.update(due_at=timezone.now()) >= 0 and has_ended(pipeline, batch))


def has_ended(pipeline: Pipeline, batch: Batch) -> bool:
    pipeline.run()
    batch.refresh_from_db()
    return batch.status == Batch.Status.COMPLETED


@pytest.mark.django_db
@pytest.mark.parametrize("lie", [*LIES, "a piece", "another store of nobody"])
def test_no_lie_is_a_wrong_mark(store: LyingStore, lie: str) -> None:
    assert claim_store() == OURS
    more = {"a piece": Said(200, TAG, b"12345678-1234"), "another store of nobody": Said(200, TAG, b"x" * 37)}
    store.lies("GET", (LIES | more)[lie])
    assert check_store() == UNSEEN
    STORE.forget()
    store.lie = None
    assert check_store() == OURS


@pytest.mark.django_db
def test_a_mark_that_is_listed_is_not_missing(store: LyingStore) -> None:
    assert claim_store() == OURS
    gone = b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"
    store.lies("GET", Said(404, XML, gone))
    assert check_store() == UNSEEN


@pytest.mark.django_db
def test_nothing_is_tidied_away_on_a_lie(store: LyingStore, server: ObjectStore) -> None:
    orphan = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"orphan"))
    store.lies("LIST", LIES["nothing"])
    with pytest.raises(StorageFailed):
        tidy_store(timezone.now() + timedelta(hours=1))
    assert server.list() == [content.storage_name("raw", orphan.id)]


@pytest.mark.django_db
@pytest.mark.parametrize("lie", FEW)
def test_a_missing_object_is_not_missing_while_lists_lie(
    store: LyingStore, server: ObjectStore, teacher: User, lie: str
) -> None:
    kept = content.store_text(uuid4(), "text")
    content.record(kept, teacher.pk, None)
    server.delete(content.storage_name("text", kept.id))
    store.lies("LIST", LIES[lie])
    with pytest.raises(StorageFailed):
        content.read_text(kept.id)
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()


def test_no_bucket_is_made_of_a_lie(store: LyingStore, settings: Settings) -> None:
    settings.S3_BUCKET = "essays"
    store.lie = lambda _verb, _key, _honest: LIES["a page"]
    with pytest.raises(CommandError, match="did not make the bucket"):
        call_command("create_bucket")


ENDLESS = {
    "an error": Said(404, XML, b"<Error>" + b" " * 65536, endless=True),
    "a page": Said(200, HTML, PORTAL * 1000, endless=True),
    "an object": Said(200, TAG, b"x" * 65536, endless=True),
    "a list": Said(200, XML, b"<ListBucketResult>" + b" " * 65536, endless=True),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("verb", ["PUT", "GET", "LIST", "DELETE"])
def test_an_answer_without_an_end_is_not_read_for_ever(store: LyingStore, verb: str, kind: str) -> None:
    """Not even by the thread that its caller left behind."""
    if (verb, kind) == ("GET", "an object"):
        pytest.skip("read up to the size that is known: test_unwell_store.py")
    default_storage.save("raw/ab/there", ContentFile(b"bytes"))
    store.lies(verb, ENDLESS[kind])
    with suppress(StorageFailed):
        reach(calls()[verb], 5)
    until(lambda: store.pouring == 0 and store.poured > 0)
    assert store.poured < 64 * 1024 * 1024


@pytest.mark.timeout(60)
def test_an_answer_that_drips_is_given_up(store: LyingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_answers, "ANSWER_SECONDS", 1.0)

    def lie(verb: str, _key: str, _honest: Callable[[], Said]) -> Said | None:
        return Said(404, XML, b" ", endless=True) if verb == "LIST" else None

    store.lie = lie
    began = time.monotonic()
    with pytest.raises(StorageFailed):
        reach(calls()["LIST"], 20)
    assert time.monotonic() - began < 10
    until(lambda: store.pouring == 0)
