"""Decisions and uploads at the same moment: limits hold, the newest wins, nothing is a failure of ours."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.models import Batch, EssaySlot
from files import content, sandbox
from files.models import FileUpload
from huleedu.api.idempotency import kept_key
from huleedu.models import IdempotencyRecord
from tests.api import body_of, client_of, problem, register, some_file, upload
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
Essays = Callable[[int], bytes]
Call = Callable[[APIClient], Any]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def at_once(teacher: User, calls: list[Call]) -> list[Any]:
    """Carry ``calls`` out in eight threads, each with a client of its own."""
    clients = [client_of(teacher) for _ in range(8)]

    def carry_out(number: int) -> Any:
        try:
            return calls[number](clients[number % 8])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(carry_out, range(len(calls))))


def replace(file_id: str, data: bytes) -> Call:
    address = f"/v1/files/{file_id}/content"
    return lambda client: client.put(address, {"file": some_file(data)}, format="multipart")


def remove(file_id: str) -> Call:
    return lambda client: client.delete(f"/v1/files/{file_id}")


def post(address: str) -> Call:
    return lambda client: client.post(address, {}, format="json")


def add(batch_id: str, data: bytes) -> Call:
    return lambda client: upload(client, batch_id, some_file(data))


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_twenty_uploads_at_once_keep_to_the_limit(
    teacher: User, client: APIClient, make_essay: Essays, settings: Settings, content_folder: Path
) -> None:
    settings.MAX_FILES_PER_BATCH = 7
    batch_id = register(client, 20)["batch_id"]
    answers = at_once(teacher, [add(batch_id, make_essay(number)) for number in range(20)])
    assert statuses(answers) == {201: 7, 409: 13}
    assert FileUpload.objects.count() == 7
    assert len([path for path in content_folder.rglob("*") if path.is_file()]) == 7


def test_the_count_is_lowered_while_places_are_taken(
    teacher: User, client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 12)["batch_id"]
    for number in range(8):
        upload(client, batch_id, some_file(make_essay(number)))

    def work(_: APIClient) -> Any:
        pipeline.run()
        return client.get(f"/v1/batches/{batch_id}")

    def expect(count: int) -> Call:
        body = {"expected_essay_count": count}
        return lambda c: c.post(f"/v1/batches/{batch_id}/expect", body, format="json")

    answers = at_once(teacher, [work, *(expect(count) for count in (11, 9, 5, 8, 3, 10, 4, 7))])
    assert set(statuses(answers)) <= {200, 409}
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    counts = snapshot["counts"]
    assert snapshot["expected_essay_count"] == counts["free"] + counts["assigned"]
    assert snapshot["expected_essay_count"] == EssaySlot.objects.filter(batch_id=batch_id).count()
    assert counts["assigned"] + counts["excess"] == 8 == counts["received"]
    assert counts["excess"] == 0 or counts["free"] == 0


def test_two_tabs_decide_everything_at_once(
    teacher: User, client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 5)["batch_id"]
    for number in range(3):
        upload(client, batch_id, some_file(make_essay(number)))
    pipeline.run()
    decisions: list[tuple[str, dict[str, Any]]] = [
        ("start", {}), ("expect", {"expected_essay_count": 4}), ("extend", {"seconds": 60}), ("cancel", {}),
        ("expect", {"expected_essay_count": 9}), ("start", {}), ("reprocess", {}), ("cancel", {}),
    ]  # fmt: skip

    def decide(name: str, body: dict[str, Any]) -> Call:
        return lambda c: c.post(f"/v1/batches/{batch_id}/{name}", body, format="json")

    answers = at_once(teacher, [decide(*decision) for decision in decisions])
    assert set(statuses(answers)) <= {200, 409}
    pipeline.run()
    assert body_of(client.get(f"/v1/batches/{batch_id}"))["status"] == "cancelled"


def test_files_are_changed_in_every_way_at_once(
    teacher: User, client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 3)["batch_id"]
    ids = [
        body_of(upload(client, batch_id, some_file(make_essay(n))))["files"][0]["file_upload_id"]
        for n in range(3)
    ]
    pipeline.run()

    calls: list[Call] = []
    for number, file_id in enumerate(ids):
        calls += [
            replace(file_id, make_essay(10 + number)),
            replace(file_id, make_essay(20 + number)),
            remove(file_id),
            post(f"/v1/files/{file_id}/reprocess"),
            post(f"/v1/batches/{batch_id}/reprocess"),
            post(f"/v1/batches/{batch_id}/start"),
        ]
    answers = at_once(teacher, calls)
    assert set(statuses(answers)) <= {200, 409}, [a.content for a in answers if a.status_code >= 500]
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    assert snapshot["counts"]["in_progress"] == 0
    held = [file["essay_id"] for file in snapshot["files"] if file["essay_id"]]
    assert len(held) == len(set(held))


@pytest.fixture
def while_reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], Any]]]:
    """Calls that happen while the next file is being read."""
    waiting: list[Callable[[], Any]] = []
    read = sandbox.run

    def run(*arguments: Any, **options: Any) -> sandbox.SandboxResult:
        result = read(*arguments, **options)
        while waiting:
            waiting.pop(0)()
        return result

    monkeypatch.setattr(sandbox, "run", run)
    yield waiting


def test_replaced_twice_while_it_is_read_the_newest_content_wins(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, while_reading: list[Callable[[], Any]]
) -> None:
    batch_id = register(client, 1)["batch_id"]
    file_id = body_of(upload(client, batch_id, some_file(make_essay(1))))["files"][0]["file_upload_id"]
    for number in (2, 3):
        while_reading.append(partial(replace(file_id, make_essay(number)), client))
    pipeline.run()
    row = FileUpload.objects.get(pk=file_id)
    assert (row.status, while_reading) == ("assigned", [])
    assert row.text_storage_id is not None
    assert content.read_text(row.text_storage_id).encode() == make_essay(3)


def test_removed_while_it_is_read_it_stays_removed(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, while_reading: list[Callable[[], Any]]
) -> None:
    batch_id = register(client, 1)["batch_id"]
    file_id = body_of(upload(client, batch_id, some_file(make_essay(1))))["files"][0]["file_upload_id"]
    while_reading.append(lambda: client.delete(f"/v1/files/{file_id}"))
    pipeline.run()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}"))
    assert [file["status"] for file in snapshot["files"] if file["status"] != "removed"] == []
    assert (FileUpload.objects.get().status, snapshot["counts"]["free"]) == ("removed", 1)


def test_cancelled_while_it_is_read(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, while_reading: list[Callable[[], Any]]
) -> None:
    batch_id = register(client, 1)["batch_id"]
    upload(client, batch_id, some_file(make_essay(1)))
    while_reading.append(lambda: client.post(f"/v1/batches/{batch_id}/cancel", {}, format="json"))
    pipeline.run()
    assert Batch.objects.get().status == "cancelled"


def test_a_key_whose_request_was_killed_runs_again(
    client: APIClient, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = register(client, 2)["batch_id"]
    files = [("a.txt", make_essay(1)), ("b.txt", make_essay(2))]

    def send() -> Any:
        parts = [some_file(data, name) for name, data in files]
        return upload(client, batch_id, *parts, headers={"Idempotency-Key": "k"})

    assert send().status_code == 201
    # As a kill after both files and before the answer leaves it.
    IdempotencyRecord.objects.filter(key=kept_key("k")).delete()
    assert send().status_code == 201
    assert FileUpload.objects.count() == 2
    problem(client.post("/v1/batches/register", {"expected_essay_count": 1}, format="json",
                        headers={"Idempotency-Key": "k"}), 422, "IDEMPOTENCY_KEY_REUSED")  # fmt: skip
