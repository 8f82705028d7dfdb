"""Settings over HTTP: read, changed in one go, other people's, and bad input."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from batches.models import Batch
from batches.shapes import BatchSettings
from results.shapes import Snapshot
from tests.api import body_of, checked, client_of, problem, register

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def address(client: APIClient) -> str:
    return f"/v1/batches/{register(client, 2, title='Hösten')['batch_id']}/settings"


def test_only_what_is_named_changes(client: APIClient, address: str) -> None:
    before = checked(BatchSettings, client.get(address))
    assert (before["title"], before["language"], before["language_chosen"]) == ("Hösten", "en", True)
    later = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    body = {"class_name": " 9B ", "auto_start": False, "deadline": later.isoformat(), "title": None}
    answer = checked(Snapshot, client.patch(address, body, format="json"))
    assert (answer["title"], answer["class_name"], answer["version"]) == ("Hösten", "9B", 2)
    after = checked(BatchSettings, client.get(address))
    changed = {"class_name": "9B", "auto_start": False, "version": 2}
    assert after == before | changed | {"deadline": later.isoformat().replace("+00:00", "Z")}


def test_no_language_means_that_of_the_essays(client: APIClient, address: str) -> None:
    client.patch(address, {"language": None}, format="json")
    after = checked(BatchSettings, client.get(address))
    assert (after["language"], after["language_chosen"]) == (None, False)


def test_all_or_nothing_and_only_as_seen(client: APIClient, address: str) -> None:
    far = (datetime.now(UTC) + timedelta(days=1000)).isoformat()
    problem(client.patch(address, {"title": "X", "deadline": far}, format="json"), 409, "DEADLINE_TOO_FAR")
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    problem(client.patch(address, {"title": "X", "deadline": past}, format="json"), 409, "DEADLINE_PASSED")
    seen = {"If-Match": '"7"'}
    problem(client.patch(address, {"title": "X"}, format="json", headers=seen), 412, "BATCH_CHANGED")
    assert Batch.objects.get().title == "Hösten"


def test_a_repeat_with_its_key_is_carried_out_once(client: APIClient, address: str) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = (client.patch(address, {"title": "Ny"}, format="json", headers=key) for _ in range(2))
    assert body_of(first) == body_of(again)
    assert Batch.objects.get().version == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"title": "x" * 201}, "title"),
        ({"title": 7}, "title"),
        ({"assignment": "x" * 20_001}, "assignment"),
        ({"language": "de"}, "language"),
        ({"expected_essay_count": 0}, "expected_essay_count"),
        ({"deadline": "2030-01-01T10:00:00"}, "deadline"),
        ({"deadline": "soon"}, "deadline"),
        ({"auto_start": "yes"}, "auto_start"),
        ({"status": "completed"}, "status"),
    ],
)
def test_bad_input_is_named(client: APIClient, address: str, body: dict[str, object], path: str) -> None:
    (error,) = problem(client.patch(address, body, format="json"), 400, "INVALID")["errors"]
    assert error["path"] == path


def test_nobody_elses(address: str, client: APIClient) -> None:
    stranger = client_of(User.objects.create_user("stranger"))
    problem(stranger.get(address), 404, "NOT_FOUND")
    problem(stranger.patch(address, {"title": "Min"}, format="json"), 404, "NOT_FOUND")
    reader = client_of(Batch.objects.get().owner, "read")
    problem(reader.patch(address, {"title": "Min"}, format="json"), 403, "FORBIDDEN")
    assert Batch.objects.get().title == "Hösten"
