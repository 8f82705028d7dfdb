"""Rows 2, 6, 80 and 81: files without anything to read, too many files, and too few places."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import close_old_connections, connections, transaction
from rest_framework.test import APIClient

from essays.reactions import assign_slot
from files.models import FileUpload
from huleedu.events.vocabulary import EssayContentProvisioned
from huleedu.models import OutboxMessage, Timer
from tests.api import body_of, client_of, problem, raw_form, register, send_form, some_file, upload
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
NOTHING = {
    "spaces": b" \n\t\r\n  ",
    "a byte order mark": b"\xef\xbb\xbf",
    "UTF-16 without text": b"\xff\xfe",
    "no width": "\u200b\u200b\u2060\u200d\ufeff".encode(),
    "hard spaces": "\u00a0\u2003\u3000".encode() * 50,
    "UTF-16 spaces": " \n ".encode("utf-16"),
    "line separators": "\u2028\u2029\u0085".encode(),
    "no bytes": b"",
}


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.mark.parametrize("kind", NOTHING)
def test_a_file_with_nothing_to_read_is_kept_and_takes_no_place(
    client: APIClient, pipeline: Pipeline, kind: str
) -> None:
    batch_id = register(client, 2)["batch_id"]
    (told,) = body_of(upload(client, batch_id, some_file(NOTHING[kind], "tom.txt")))["files"]
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    (file,) = snapshot["files"]
    assert (file["status"], file["error"]["error_code"]) == ("failed", "EMPTY_CONTENT")
    assert (snapshot["counts"]["free"], snapshot["counts"]["failed"]) == (2, 1)
    row = FileUpload.objects.get(pk=told["file_upload_id"])
    with default_storage.open(f"raw/{row.raw_id.hex[:2]}/{row.raw_id.hex}") as kept:
        assert kept.read() == NOTHING[kind]
    replaced = client.put(
        f"/v1/files/{row.pk}/content", {"file": some_file(b"ord " * 30)}, format="multipart"
    )
    assert replaced.status_code == 200
    pipeline.run()
    assert body_of(client.get(f"/v1/files/{row.pk}"))["status"] == "assigned"


def test_ten_thousand_files_in_one_request(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    body = raw_form({"batch_id": batch_id}, [(f"{number}.txt", b"x") for number in range(10_000)])
    answer = problem(send_form(client, body), 400, "TOO_MANY_FILES")
    assert answer["details"] == {"limit": 200}
    assert not FileUpload.objects.exists()


def test_two_files_reach_for_the_last_place_at_once(
    client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 1, configuration={"auto_start": False})["batch_id"]
    upload(client, batch_id, some_file(make_essay(1)), some_file(make_essay(2)))
    pipeline.relay.drain()
    while pipeline.work_once():
        pass
    waiting = OutboxMessage.objects.filter(event_type="EssayContentProvisioned")
    events = [EssayContentProvisioned.read(row.envelope["data"]) for row in waiting]
    assert len(events) == 2
    together = Barrier(2)

    def reach(event: EssayContentProvisioned) -> None:
        close_old_connections()
        try:
            together.wait(10)
            with transaction.atomic():
                assign_slot(event)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(reach, events))
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    assert sorted(file["status"] for file in snapshot["files"]) == ["assigned", "excess"]
    (kept,) = [file for file in snapshot["files"] if file["status"] == "excess"]
    assert kept["error"]["error_code"] == "EXCESS_CONTENT"


def test_nine_for_seven_keeps_two_and_says_why(
    client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 7, configuration={"auto_start": False})["batch_id"]
    upload(client, batch_id, *(some_file(make_essay(number)) for number in range(9)))
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    excess = [file for file in snapshot["files"] if file["status"] == "excess"]
    assert [file["error"]["error_code"] for file in excess] == ["EXCESS_CONTENT"] * 2
    assert (snapshot["counts"]["assigned"], snapshot["counts"]["free"]) == (7, 0)
    for file in excess:
        row = FileUpload.objects.get(pk=file["file_upload_id"])
        assert client.get(f"/v1/content/{row.raw_id}").status_code == 200
    client.delete(f"/v1/files/{snapshot['files'][-1]['file_upload_id']}")
    pipeline.run()
    counts = body_of(client.get(f"/v1/batches/{batch_id}"))["counts"]
    assert (counts["assigned"], counts["excess"]) == (7, 1)


def test_five_for_seven_names_the_missing_and_takes_late_ones(
    client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch = register(client, 7, configuration={"partial_batch_threshold": 1.0})
    batch_id = batch["batch_id"]
    upload(client, batch_id, *(some_file(make_essay(number)) for number in range(5)))
    pipeline.run()
    Timer.objects.update(due_at="2000-01-01T00:00Z")
    pipeline.run()
    events = body_of(client.get(f"/v1/batches/{batch_id}/events?after=0"))["events"]
    (timeout,) = [event["data"] for event in events if event["event"] == "batch.readiness.timeout"]
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    empty = {essay["essay_id"] for essay in snapshot["essays"] if essay["status"] == "awaiting_content"}
    assert timeout["missing_n"] == 2
    assert set(timeout["missing_essay_ids"]) == empty
    assert snapshot["status"] == "awaiting_content"
    late = upload(client, batch_id, some_file(make_essay(5)), some_file(make_essay(6)))
    assert late.status_code == 201
    pipeline.run()
    done = body_of(client.get(f"/v1/batches/{batch_id}"))
    assert (done["status"], done["counts"]["assigned"]) == ("completed", 7)
