"""One teacher's share is hers alone, and its figures are right whatever happens to contents."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections, transaction
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from batches.models import Batch
from files import capacity, content
from files.actions import receiving, removing
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from files.shapes import LimitsAnswer, StoredContentAnswer, UploadAnswer
from huleedu.answers.problems import TITLES
from huleedu.api import quotas
from huleedu.failures.errors import Refused
from huleedu.models import Usage, WorkItem
from huleedu.relay import maintenance
from tests.api import checked, client_of, manifest_of, problem, register, some_file, upload
from tests.pipeline import Pipeline
from tests.rows import make_batch

Essays = Callable[[int], bytes]
TOMORROW = timedelta(days=1)


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def batch_id(client: APIClient) -> str:
    return str(register(client, 20)["batch_id"])


def kept(user: User) -> int:
    """What is counted, which must be what there is."""
    rows = StoredContent.objects.filter(owner=user).aggregate(sum=Sum("size"))["sum"] or 0
    row = Usage.objects.filter(owner=user).first()
    assert (row.bytes if row else 0) == rows
    return int(rows)


def files_in_store() -> list[str]:
    return default_storage.listdir("raw")[1] if default_storage.exists("raw") else []


def test_bytes_of_a_teacher(client: APIClient, batch_id: str, settings: Settings, teacher: User) -> None:
    settings.TEACHER_BYTES = 100
    checked(UploadAnswer, upload(client, batch_id, some_file(b"x" * 100)), 201)
    answer = problem(upload(client, batch_id, some_file(b"y")), 409, "NO_ROOM_LEFT")
    assert answer["details"] == {"limit": 100, "used": 100}
    assert kept(teacher) == 100
    assert FileUpload.objects.count() == 1


def test_a_file_that_does_not_fit_leaves_nothing_and_smaller_ones_come_in(
    client: APIClient, batch_id: str, settings: Settings, teacher: User
) -> None:
    settings.TEACHER_BYTES = 100
    sent = [some_file(b"a" * 60), some_file(b"b" * 41), some_file(b"c" * 40)]
    answer = checked(UploadAnswer, upload(client, batch_id, *sent), 207)
    assert [
        (one["error"] or {}).get("error_code") if "error" in one else None for one in answer["files"]
    ] == [
        None,
        "NO_ROOM_LEFT",
        None,
    ]
    assert answer["files"][1]["error"]["details"] == {"limit": 100, "used": 60}
    assert kept(teacher) == 100
    assert StoredContent.objects.count() == 2
    stored = [
        path
        for folder in default_storage.listdir("raw")[0]
        for path in default_storage.listdir(f"raw/{folder}")[1]
    ]
    assert len(stored) == 2, "the bytes of the refused file are gone"


def test_the_same_request_may_be_sent_again_when_there_is_room(
    client: APIClient, batch_id: str, settings: Settings
) -> None:
    settings.TEACHER_BYTES = 100
    data = (b"a" * 60, b"b" * 60)
    manifest = manifest_of(*(("essay.txt", each) for each in data))
    headers = {"Idempotency-Key": "k"}

    def send() -> Response:
        return upload(client, batch_id, *map(some_file, data), manifest=manifest, headers=headers)

    checked(UploadAnswer, send(), 207)
    settings.TEACHER_BYTES = 200
    answer = checked(UploadAnswer, send(), 201)
    assert len({one["file_upload_id"] for one in answer["files"]}) == 2
    assert FileUpload.objects.count() == 2


def test_bytes_of_all(client: APIClient, batch_id: str, settings: Settings, colleague: User) -> None:
    settings.TOTAL_BYTES = settings.TEACHER_BYTES = 100
    other = client_of(colleague)
    theirs = str(register(other, 5)["batch_id"])
    checked(UploadAnswer, upload(other, theirs, some_file(b"x" * 70)), 201)
    response = upload(client, batch_id, some_file(b"y" * 31))
    assert problem(response, 507, "STORAGE_FULL")["details"] == {"limit": 100, "used": 70}
    assert int(response.headers["Retry-After"]) > 0
    checked(UploadAnswer, upload(client, batch_id, some_file(b"y" * 30)), 201)
    problem(upload(client, batch_id, some_file(b"y")), 507, "STORAGE_FULL")


def test_files_of_a_day(
    client: APIClient, batch_id: str, settings: Settings, teacher: User, colleague: User
) -> None:
    settings.TEACHER_FILES_A_DAY = 2
    for data in (b"a", b"b"):
        checked(UploadAnswer, upload(client, batch_id, some_file(data)), 201)
    file_id = FileUpload.objects.first().pk  # type: ignore[union-attr]
    removing.remove(FileUpload.objects.get(pk=file_id))
    answer = problem(upload(client, batch_id, some_file(b"c")), 409, "TOO_MANY_FILES_TODAY")
    assert (answer["details"]["limit"], answer["details"]["used"]) == (2, 2)
    eases = datetime.fromisoformat(answer["details"]["eases_at"])
    assert timedelta(0) < eases - timezone.now() <= TOMORROW
    assert (eases.astimezone(UTC).hour, eases.minute) == (0, 0)
    other = client_of(colleague)
    checked(UploadAnswer, upload(other, str(register(other, 5)["batch_id"]), some_file(b"c")), 201)
    Usage.objects.update(day=timezone.now().astimezone(UTC).date() - TOMORROW)
    checked(UploadAnswer, upload(client, batch_id, some_file(b"c")), 201)
    assert Usage.objects.get(owner=teacher).files == 1


def test_every_way_a_file_comes_in_counts(
    client: APIClient, batch_id: str, settings: Settings, teacher: User
) -> None:
    settings.MAX_FILE_BYTES = 3
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(b"a"), some_file(b"four")), 207)
    file_id = answer["files"][0]["file_upload_id"]
    replaced = client.put(f"/v1/files/{file_id}/content", {"file": some_file(b"b")}, format="multipart")
    assert replaced.status_code == 200
    assert client.post("/v1/content", {"file": some_file(b"c")}, format="multipart").status_code == 201
    assert Usage.objects.get(owner=teacher).files == 4
    settings.TEACHER_FILES_A_DAY = 4
    replaced = client.put(f"/v1/files/{file_id}/content", {"file": some_file(b"d")}, format="multipart")
    problem(replaced, 409, "TOO_MANY_FILES_TODAY")
    stored = client.post("/v1/content", {"file": some_file(b"d")}, format="multipart")
    problem(stored, 409, "TOO_MANY_FILES_TODAY")
    assert kept(teacher) == 3


def test_files_and_batches_of_all_in_a_day(
    client: APIClient, batch_id: str, settings: Settings, colleague: User
) -> None:
    settings.FILES_A_DAY = settings.BATCHES_A_DAY = 2
    other = client_of(colleague)
    theirs = str(register(other, 5)["batch_id"])
    problem(client.post("/v1/batches/register", {"expected_essay_count": 1}, format="json"), 409, "DAY_FULL")
    checked(UploadAnswer, upload(client, batch_id, some_file(b"a")), 201)
    checked(UploadAnswer, upload(other, theirs, some_file(b"a")), 201)
    details = problem(upload(other, theirs, some_file(b"b")), 409, "DAY_FULL")["details"]
    assert (details["limit"], details["used"]) == (2, 2)


def test_batches_of_a_day(client: APIClient, settings: Settings, teacher: User) -> None:
    settings.TEACHER_BATCHES_A_DAY = 1
    register(client)
    response = client.post("/v1/batches/register", {"expected_essay_count": 1}, format="json")
    details = problem(response, 409, "TOO_MANY_BATCHES_TODAY")["details"]
    assert (details["limit"], details["used"]) == (1, 1)
    assert Batch.objects.count() == 1
    assert Usage.objects.get(owner=teacher).batches == 1


def test_a_batch_too_many_is_said_on_the_page_in_both_languages(
    client: APIClient, settings: Settings, teacher: User
) -> None:
    settings.TEACHER_BATCHES_A_DAY = 1
    make_batch(teacher)
    browser = Client()
    browser.force_login(teacher)
    for language, words in (("en", "the most for one day is 1"), ("sv", "högst 1 om dagen")):
        headers = {"Accept-Language": language}
        page = browser.post("/batches/new/", {"expected_essay_count": "3"}, headers=headers)
        assert page.status_code == 200
        assert words in page.content.decode()
    assert Batch.objects.count() == 1


def test_a_page_says_why_a_file_was_not_added(teacher: User, settings: Settings) -> None:
    settings.TEACHER_BYTES = 3 * 1024**2
    browser = Client()
    browser.force_login(teacher)
    batch = make_batch(teacher)
    answer = browser.post(f"/batches/{batch.pk}/upload/", {"files": [some_file(b"a" * (3 * 1024**2 + 1))]})
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert any("all the room you have, 3 MB" in words for words in told), told


def work(owner: User, number: int, step: str = "extract") -> None:
    WorkItem.objects.bulk_create(
        WorkItem(
            step=step,
            subject_id=uuid4(),
            batch_id=uuid4(),
            owner_id=owner.pk,
            file_upload_id=uuid4(),
            correlation_id=uuid4(),
            priority="NORMAL",
            rank=place,
        )
        for place in range(number)
    )


@pytest.mark.parametrize("step", capacity.STEPS)
def test_a_full_queue_of_one_teacher_is_hers_alone(
    client: APIClient, batch_id: str, settings: Settings, teacher: User, colleague: User, step: str
) -> None:
    other = client_of(colleague)
    theirs = str(register(other, 5)["batch_id"])
    settings.TEACHER_QUEUED_WORK = 10
    work(teacher, 11, step)
    response = upload(client, batch_id, some_file(b"a"))
    assert problem(response, 503, "QUEUE_FULL")["details"] == {"limit": 10, "used": 12}
    assert int(response.headers["Retry-After"]) > 0
    checked(UploadAnswer, upload(other, theirs, some_file(b"a")), 201)
    WorkItem.objects.all().delete()
    checked(UploadAnswer, upload(client, batch_id, some_file(b"a")), 201)


def test_what_waits_for_the_relay_counts_too(
    client: APIClient, batch_id: str, settings: Settings, colleague: User
) -> None:
    settings.TEACHER_QUEUED_WORK = 4  # the registration is one, each upload two
    for data in (b"a", b"b"):
        checked(UploadAnswer, upload(client, batch_id, some_file(data)), 201)
    problem(upload(client, batch_id, some_file(b"c")), 503, "QUEUE_FULL")
    other = client_of(colleague)
    checked(UploadAnswer, upload(other, str(register(other, 5)["batch_id"]), some_file(b"a")), 201)


def test_trying_again_waits_for_the_queue_and_not_for_room(
    client: APIClient,
    batch_id: str,
    settings: Settings,
    teacher: User,
    pipeline: Pipeline,
    make_essay: Essays,
) -> None:
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(make_essay(1))), 201)
    pipeline.run()
    address = f"/v1/files/{answer['files'][0]['file_upload_id']}/reprocess"
    settings.TEACHER_BYTES = settings.TOTAL_BYTES = settings.TEACHER_FILES_A_DAY = 1
    settings.DISK_MARGIN_BYTES = 2**62
    assert client.post(address, {}, format="json").status_code == 200
    pipeline.run()
    settings.TEACHER_QUEUED_WORK = 0
    work(teacher, 1)
    problem(client.post(address, {}, format="json"), 503, "QUEUE_FULL")


def test_figures_stay_right_through_a_files_life(
    client: APIClient, batch_id: str, pipeline: Pipeline, teacher: User, colleague: User, make_essay: Essays
) -> None:
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(make_essay(1))), 201)
    file_id = answer["files"][0]["file_upload_id"]
    first = kept(teacher)
    pipeline.run()
    assert kept(teacher) > first, "the text counts"
    client.put(f"/v1/files/{file_id}/content", {"file": some_file(make_essay(2))}, format="multipart")
    pipeline.run()
    client.post(f"/v1/files/{file_id}/reprocess", {}, format="json")
    pipeline.run()
    client.delete(f"/v1/files/{file_id}")
    pipeline.run()
    assert kept(teacher) > 0
    row = StoredContent.objects.first()
    assert row is not None
    again = content.Stored(row.pk, row.kind, row.sha256, row.size)
    content.record(again, teacher.pk, row.batch_id)
    kept(teacher)
    before = kept(teacher)
    StoredContent.objects.filter(pk=row.pk).update(owner=colleague)
    assert (kept(teacher), kept(colleague)) == (before - row.size, row.size)
    StoredContent.objects.filter(pk=row.pk).delete()
    assert kept(colleague) == 0
    Batch.objects.all().delete()
    assert kept(teacher) == 0


def test_a_transaction_that_ends_badly_counts_nothing(transactional_db: None, teacher: User) -> None:
    stored = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"12345"))

    class Cut(Exception):
        pass

    with pytest.raises(Cut), transaction.atomic():
        content.record(stored, teacher.pk, None)
        quotas.admit_file(teacher.pk, stored.size)
        assert Usage.objects.get(owner=teacher).bytes == 5
        raise Cut
    assert kept(teacher) == 0
    assert not Usage.objects.filter(owner=teacher, files__gt=0).exists()


def test_many_at_once_do_not_pass_the_limit(
    transactional_db: None, settings: Settings, make_essay: Essays
) -> None:
    settings.TEACHER_BYTES = 100
    settings.TEACHER_FILES_A_DAY = 8
    user = User.objects.create_user("flood")
    batches = [make_batch(user) for _ in range(4)]

    def send(number: int) -> str:
        try:
            incoming = Incoming(file=ContentFile(b"x" * 10), filename=f"{number}.txt")
            receiving.receive(batches[number % 4].pk, user, incoming, uuid4())
        except Refused as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(send, range(24)))
    assert said.count("taken") == 8
    assert set(said) == {"taken", "TOO_MANY_FILES_TODAY"}
    assert kept(user) == 80


def test_an_upload_costs_the_same_whatever_there_is(
    client: APIClient, batch_id: str, teacher: User, colleague: User
) -> None:
    def statements(data: bytes) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            checked(UploadAnswer, upload(client, batch_id, some_file(data)), 201)
        return [query["sql"] for query in captured.captured_queries]

    statements(b"first")
    few = statements(b"second")
    StoredContent.objects.bulk_create(
        StoredContent(kind="raw", owner=owner, sha256="0" * 64, size=1)
        for owner in (teacher, colleague)
        for _ in range(500)
    )
    assert len(statements(b"third")) == len(few)
    asked = [sql for sql in few if "INSERT INTO huleedu_workitem" not in sql]
    about = [sql for sql in asked if "huleedu_usage" in sql or "huleedu_workitem" in sql]
    assert len(about) == 2, "one before anything is stored, one in the transaction"
    assert not [sql for sql in few if "sum(" in sql.lower() and "files_storedcontent" in sql]


def test_limits_are_told_with_what_is_used(client: APIClient, batch_id: str, settings: Settings) -> None:
    settings.MAX_FILE_BYTES, settings.MAX_FILES_PER_BATCH = 1234, 17
    checked(UploadAnswer, upload(client, batch_id, some_file(b"12345")), 201)
    answer = checked(LimitsAnswer, client.get("/v1/limits"))
    assert (answer["file_bytes"], answer["files_per_batch"]) == (1234, 17)
    assert answer["kept_bytes"] == {"limit": settings.TEACHER_BYTES, "used": 5}
    assert (answer["files_today"]["used"], answer["batches_today"]["used"]) == (1, 1)
    assert answer["waiting"]["used"] > 0
    problem(APIClient().get("/v1/limits"), 401, "NOT_SIGNED_IN")


def test_content_that_no_file_uses_ends_after_a_day(
    client: APIClient, batch_id: str, teacher: User, transactional_db: None
) -> None:
    ids = []
    for data in (b"loose", b"used", b"young"):
        response = client.post("/v1/content", {"file": some_file(data)}, format="multipart")
        answer = checked(StoredContentAnswer, response, 201)
        life = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["created_at"])
        assert life == TOMORROW
        ids.append(answer["content_id"])
    checked(UploadAnswer, upload(client, batch_id, some_file(b"in a batch")), 201)
    FileUpload.objects.update(text_storage_id=ids[1])
    old = timezone.now() - TOMORROW - timedelta(minutes=1)
    StoredContent.objects.exclude(pk=ids[2]).update(created_at=old)
    found = maintenance.tidy()
    assert found is not None and found.loose_contents == 1
    assert [client.get(f"/v1/content/{each}").status_code for each in ids] == [404, 200, 200]
    assert StoredContent.objects.count() == 3
    kept(teacher)


@pytest.mark.parametrize("code", ["NO_ROOM_LEFT", "TOO_MANY_FILES_TODAY", "TOO_MANY_BATCHES_TODAY"])
def test_the_words_name_the_configured_number(settings: Settings, code: str) -> None:
    settings.TEACHER_BYTES = 7 * 1024**3
    settings.TEACHER_FILES_A_DAY = settings.TEACHER_BATCHES_A_DAY = 1234
    for language, number in (("en", "1,234"), ("sv", "1\xa0234")):
        with translation.override(language):
            words = str(TITLES[code])
        assert ("7 GB" if code == "NO_ROOM_LEFT" else number) in words
