"""F23, F24 and the whole way through an S3 server: it hangs, drips, resets, refuses, loses its answers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from batches.models import Batch
from essays.actions import repeating_all
from files import content
from files.actions import removing, replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from files.store import STORE
from huleedu.erasure import Erasure
from huleedu.failures.errors import StorageFailed
from huleedu.models import DeadLetter, OutboxMessage, Timer, WorkItem
from huleedu.relay.maintenance import tidy, tidy_store
from tests.api import body_of, client_of, problem, register, some_file, upload
from tests.conftest import essay_bytes
from tests.faults.proxy import Proxy, proxy
from tests.faults.test_store_damage import verify
from tests.object_store import ObjectStore, object_store, sign_in, storages_of
from tests.pipeline import Pipeline

SLOW_DOWN = (503, "SlowDown")
FORBIDDEN = (403, "AccessDenied")
WITHIN = 5.0  # seconds, whatever the store does
AT_ONCE = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture
def line(server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to the store, which every test may spoil."""
    sign_in(monkeypatch)
    for key in server.list():
        server.delete(key)
    STORE.forget()
    with proxy(("127.0.0.1", server.port)) as found:
        settings.STORAGES = storages_of(found.port)
        yield found
    STORE.forget()


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@contextmanager
def answering(line: Proxy, status: int, code: str) -> Iterator[None]:
    """Let the store answer every request with one error."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    taken, _ = listener.accept()
                    with taken:
                        taken.recv(1 << 20)
                        taken.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)

        threading.Thread(target=serve, daemon=True).start()
        healthy, line.target = line.target, listener.getsockname()
        line.reset_all()
        try:
            yield
        finally:
            line.target = healthy
            line.reset_all()


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What ``call`` returns, and after how many seconds."""
    began = time.monotonic()
    return call(), time.monotonic() - began


def send(client: APIClient, batch_id: str, key: str, data: bytes) -> Response:
    answer: Response = upload(client, batch_id, some_file(data), headers={"Idempotency-Key": key})
    return answer


def refused(answer: Response) -> None:
    problem(answer, 503, "STORAGE_FAILED")
    assert int(answer.headers["Retry-After"]) > 0


def nothing_was_promised() -> bool:
    return not (
        FileUpload.objects.exists() or StoredContent.objects.exists() or OutboxMessage.objects.exists()
    )


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def goes_on(client: APIClient, batch_id: str, key: str, data: bytes, server: ObjectStore) -> None:
    """The store is back: the same request makes one file, and what the first try left is tidied away."""
    until(lambda: send(client, batch_id, key, data).status_code == 201)
    row = FileUpload.objects.get()
    assert StoredContent.objects.count() == 1
    tidy_store(timezone.now() + timedelta(hours=1))
    assert server.list() == [content.storage_name("raw", row.raw_id)]
    assert server.get(server.list()[0]) == data


@pytest.fixture
def read_essays(pipeline: Pipeline, teacher: User, line: Proxy) -> list[FileUpload]:
    """Two essays, read and checked."""
    batch = pipeline.register(teacher, 3)
    for number in range(2):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.run()
    return list(FileUpload.objects.order_by("created_at"))


def test_the_whole_way(
    server: ObjectStore, read_essays: list[FileUpload], pipeline: Pipeline, client: APIClient, teacher: User
) -> None:
    first, second = read_essays
    kinds = sorted(key.split("/")[0] for key in server.list())
    assert kinds == ["raw", "raw", "text", "text"]
    assert body_of(client.get(f"/v1/essays/{first.slot_id}"))["text"] == essay_bytes(0).decode()
    assert client.get(f"/v1/content/{first.raw_id}").content == essay_bytes(0)
    replacing.replace(first, teacher, Incoming(ContentFile(essay_bytes(7)), "new.txt"))
    rereading.reread(second, teacher)
    pipeline.run()
    first.refresh_from_db()
    assert client.get(f"/v1/content/{first.text_id}").content == essay_bytes(7)
    repeating_all.repeat_batch(first.batch_id, teacher, "spellcheck")
    pipeline.run()
    pipeline.upload(Batch.objects.get(), essay_bytes(8))
    pipeline.run()
    assert Batch.objects.get().status == Batch.Status.COMPLETED
    assert verify() == (0, f"{StoredContent.objects.count()} contents, 0 damaged.\n")
    assert not DeadLetter.objects.exists()


def test_a_text_is_read_with_one_request(
    line: Proxy, read_essays: list[FileUpload], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    begin = HTTPConnection.putrequest

    def begin_counted(connection: HTTPConnection, method: str, *more: Any, **named: Any) -> None:
        asked.append(method)
        begin(connection, method, *more, **named)

    monkeypatch.setattr(HTTPConnection, "putrequest", begin_counted)
    assert content.check(StoredContent.Kind.TEXT, [one.text_id for one in read_essays]) == []
    assert asked == ["GET", "GET"]


def test_large_files_are_one_object_and_come_back_whole(
    line: Proxy, server: ObjectStore, teacher: User
) -> None:
    data = bytes(range(256)) * 4096 * 9  # nine megabytes: in pieces by default
    stored = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(data))
    content.record(stored, teacher.pk, None)
    assert content.read("raw", stored.id) == data
    head = server.client.head_object(Bucket="essays", Key=server.list()[0])
    assert "-" not in head["ETag"], "not put together from pieces"


def test_only_old_orphans_are_tidied_away(line: Proxy, server: ObjectStore, teacher: User) -> None:
    kept = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"kept"))
    content.record(kept, teacher.pk, None)
    orphans = [content.store(StoredContent.Kind.TEXT, uuid4(), ContentFile(b"x")) for _ in range(20)]
    default_storage.save("probe/1234", ContentFile(b"probe"))
    assert tidy_store(timezone.now()) == (0, 0)
    assert tidy_store(timezone.now() + timedelta(hours=1)) == (len(orphans), 1)
    assert server.list() == [content.storage_name("raw", kept.id)]


def test_removed_and_changed_objects_are_found(server: ObjectStore, read_essays: list[FileUpload]) -> None:
    first, second = read_essays
    server.delete(content.storage_name("text", first.text_id))
    server.put(content.storage_name("raw", second.raw_id), essay_bytes(5))
    code, text = verify()
    assert code == 1
    assert f"missing text {first.text_id}" in text and f"changed raw {second.raw_id}" in text


def test_what_is_erased_leaves_the_bucket_also_when_the_store_was_away(
    line: Proxy, server: ObjectStore, read_essays: list[FileUpload], pipeline: Pipeline
) -> None:
    gone, *others = read_essays
    kept = {each.hex for other in others for each in (other.raw_storage_id, other.text_storage_id) if each}
    removing.remove(gone)
    pipeline.run()
    past = timezone.now() - timedelta(seconds=1)
    Erasure.objects.update(due_at=past)
    Timer.objects.filter(kind="erase").update(due_at=past)
    with answering(line, *SLOW_DOWN):
        pipeline.run()
        assert Erasure.objects.open().count() == 1
        assert WorkItem.objects.get().state == "queued"
    STORE.forget()
    WorkItem.objects.update(due_at=past)
    pipeline.run()
    assert not Erasure.objects.open().exists()
    keys = server.list()
    assert {key.rpartition("/")[2] for key in keys if not key.startswith("erasures/")} == kept
    assert len([key for key in keys if key.startswith("erasures/")]) == 1


def test_what_cannot_be_asked_is_not_called_damaged(line: Proxy, read_essays: list[FileUpload]) -> None:
    line.fall_silent()
    with pytest.raises(CommandError, match="does not answer"):
        verify()
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()


def test_tidying_leaves_a_silent_store_and_comes_again(line: Proxy, teacher: User) -> None:
    stored = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"x"))
    line.fall_silent()
    tidied = tidy()
    assert tidied is not None, "rows are tidied all the same"
    assert (tidied.orphans, tidied.unfinished) == (0, 0)
    line.heal()
    until(lambda: not STORE.breaker.is_refusing)
    tidied = tidy()
    assert tidied is not None, "nobody holds the lock"
    assert tidied.orphans == 0, "it is young"
    assert default_storage.exists(content.storage_name(StoredContent.Kind.RAW, stored.id))


def test_a_bucket_that_is_gone_is_an_outage_and_no_damage(
    line: Proxy, read_essays: list[FileUpload], settings: Settings
) -> None:
    there = settings.STORAGES
    settings.STORAGES = {
        **there,
        "default": {**there["default"], "OPTIONS": {**there["default"]["OPTIONS"], "bucket_name": "another"}},
    }
    with pytest.raises(StorageFailed):
        content.read_text(read_essays[0].text_id)
    settings.STORAGES = there
    assert content.read_text(read_essays[0].text_id)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_hangs_is_told_within_five_seconds_and_nothing_is_committed_afterwards(
    line: Proxy, server: ObjectStore, client: APIClient
) -> None:
    batch_id, key, data = register(client)["batch_id"], str(uuid4()), essay_bytes(1)
    OutboxMessage.objects.all().delete()
    line.fall_silent()
    answer, seconds = timed(lambda: send(client, batch_id, key, data))
    refused(answer)
    assert seconds < WITHIN
    for _ in range(20):
        answer, seconds = timed(lambda: send(client, batch_id, key, data))
        refused(answer)
        assert seconds < AT_ONCE
    line.heal()
    time.sleep(6)  # what hangs has come back by now
    assert nothing_was_promised()
    goes_on(client, batch_id, key, data, server)


@pytest.mark.django_db(transaction=True)
def test_many_files_in_one_request_wait_once(line: Proxy, client: APIClient) -> None:
    batch_id = register(client, 50)["batch_id"]
    OutboxMessage.objects.all().delete()
    line.fall_silent()
    files = [some_file(essay_bytes(number), f"{number}.txt") for number in range(50)]
    answer, seconds = timed(lambda: upload(client, batch_id, *files))
    refused(answer)
    assert seconds < WITHIN and len(body_of(answer)["files"]) == 50
    assert nothing_was_promised()


@pytest.mark.django_db(transaction=True)
def test_a_store_that_drips_is_no_better(line: Proxy, server: ObjectStore, client: APIClient) -> None:
    """A byte a second: no single wait is long."""
    batch_id, key, data = register(client)["batch_id"], str(uuid4()), essay_bytes(1)
    OutboxMessage.objects.all().delete()
    line.drip = 0.5
    answer, seconds = timed(lambda: send(client, batch_id, key, data))
    refused(answer)
    assert seconds < WITHIN
    assert nothing_was_promised()
    line.heal()
    line.reset_all()
    goes_on(client, batch_id, key, data, server)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("cut_after", "lose_answers"), [(30_000, False), (None, True)])
def test_a_put_that_breaks_or_whose_answer_is_lost_ends_as_one_file(
    line: Proxy, server: ObjectStore, client: APIClient, cut_after: int | None, lose_answers: bool
) -> None:
    batch_id, key, data = register(client)["batch_id"], str(uuid4()), essay_bytes(1) * 400
    OutboxMessage.objects.all().delete()
    line.reset_all()
    line.cut_after, line.lose_answers = cut_after, lose_answers
    answer, seconds = timed(lambda: send(client, batch_id, key, data))
    refused(answer)
    assert seconds < WITHIN and nothing_was_promised()
    assert len(server.list()) == (1 if lose_answers else 0), "tries of one call are one object"
    line.heal()
    goes_on(client, batch_id, key, data, server)


@pytest.mark.django_db(transaction=True)
def test_one_lost_answer_is_not_even_noticed(line: Proxy, server: ObjectStore, client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    send(client, batch_id, str(uuid4()), essay_bytes(1))
    line.reset_all()  # the connection that is kept between calls
    assert send(client, batch_id, str(uuid4()), essay_bytes(2)).status_code == 201
    assert len(server.list()) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [SLOW_DOWN, FORBIDDEN], ids=["SlowDown", "AccessDenied"])
def test_a_store_that_refuses_is_told_and_waited_for(
    line: Proxy, server: ObjectStore, client: APIClient, error: tuple[int, str]
) -> None:
    batch_id, key, data = register(client)["batch_id"], str(uuid4()), essay_bytes(1)
    OutboxMessage.objects.all().delete()
    with answering(line, *error):
        for _ in range(3):
            answer, seconds = timed(lambda: send(client, batch_id, key, data))
            refused(answer)
            assert seconds < WITHIN
        assert nothing_was_promised()
    goes_on(client, batch_id, key, data, server)


@pytest.mark.parametrize("fault", ["hangs", "resets", "SlowDown", "AccessDenied"])
def test_work_waits_for_the_store_and_no_try_counts(
    line: Proxy, pipeline: Pipeline, teacher: User, fault: str
) -> None:
    batch = pipeline.register(teacher, 1, max_retries=0)
    pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()

    def try_often() -> None:
        for _ in range(8):
            WorkItem.objects.update(due_at=timezone.now() - timedelta(seconds=1))
            STORE.breaker._next_probe_at = 0.0
            pipeline.work_once()
        assert not DeadLetter.objects.exists()
        item = WorkItem.objects.get()
        assert item.attempts <= item.max_retries

    if fault == "hangs":
        line.fall_silent()
        try_often()
        line.heal()
    elif fault == "resets":
        line.reset_all()
        line.cut_after = 0
        try_often()
        line.heal()
    else:
        with answering(line, *(SLOW_DOWN if fault == "SlowDown" else FORBIDDEN)):
            try_often()
    until(lambda: WorkItem.objects.update(due_at=timezone.now()) >= 0 and has_ended(pipeline, batch))


def has_ended(pipeline: Pipeline, batch: Batch) -> bool:
    pipeline.run()
    batch.refresh_from_db()
    return batch.status == Batch.Status.COMPLETED


def test_every_page_and_call_answers_while_the_store_hangs(
    line: Proxy, read_essays: list[FileUpload], teacher: User, client: APIClient
) -> None:
    first = read_essays[0]
    desk = Client(raise_request_exception=False)
    desk.force_login(teacher)
    batch_id = str(first.batch_id)
    calls: dict[str, Callable[[], Any]] = {
        "content": lambda: client.get(f"/v1/content/{first.raw_id}"),
        "essay": lambda: client.get(f"/v1/essays/{first.slot_id}"),
        "page": lambda: desk.get(reverse("essay", args=[batch_id, 1])),
        "reread": lambda: client.post(f"/v1/files/{first.pk}/reprocess", {}, format="json"),
        "repeat": lambda: client.post(
            f"/v1/files/{first.pk}/reprocess", {"phase": "spellcheck"}, format="json"
        ),
        "repeat all": lambda: client.post(f"/v1/batches/{batch_id}/reprocess", {}, format="json"),
        "replace": lambda: client.put(
            f"/v1/files/{first.pk}/content", {"file": some_file(b"x")}, format="multipart"
        ),
        "store": lambda: client.post("/v1/content", {"file": some_file(b"x")}, format="multipart"),
    }
    line.fall_silent()
    for name, call in calls.items():
        STORE.forget()
        answer, seconds = timed(call)
        assert (answer.status_code, seconds < WITHIN) == (503, True), (name, answer.content)
        assert int(answer.headers["Retry-After"]) > 0, name
        if name == "page":
            assert b"<h1>" in answer.content and b"Nothing is lost" in answer.content
        else:
            problem(answer, 503, "STORAGE_FAILED")
    for address in ("overview", "batch", "essay-list", "results", "help"):
        arguments = [batch_id] if address in {"batch", "essay-list", "results"} else []
        answer, seconds = timed(lambda: desk.get(reverse(address, args=arguments)))  # noqa: B023
        assert (answer.status_code, seconds < AT_ONCE) == (200, True), address
    first.refresh_from_db()
    assert (first.status, first.revision) == ("assigned", 0)
