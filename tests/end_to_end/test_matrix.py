"""The test matrix as a client sees it: HTTP in, HTTP and WebSocket out, real processes between."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from huleedu.embedded import installed_environment
from tests.conftest import essay_bytes
from tests.end_to_end.test_installation import (
    DONE,
    accepted,
    register,
    status_of,
    wait_for_status,
)
from tests.installation import Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def send(installation: Installation, token: str, batch_id: str, name: str, data: bytes) -> str:
    return accepted(installation.upload(batch_id, token, name, data, str(uuid4())))


def settled(installation: Installation, token: str, batch_id: str, received: int) -> dict[str, Any]:
    """The status once all sent files are read."""

    def read() -> bool:
        counts = status_of(installation, token, batch_id)["counts"]
        return bool(counts["received"] == received and counts["in_progress"] == 0)

    wait_until(read, 60, "all files are read")
    return status_of(installation, token, batch_id)


def told(installation: Installation, token: str, batch_id: str, name: str) -> dict[str, Any]:
    """The data of the only event of that name; a row may be ahead of its event by a moment."""
    wait_until(lambda: events_of(installation, token, batch_id, name), 30, f"{name} is told")
    (data,) = events_of(installation, token, batch_id, name)
    return data


def events_of(installation: Installation, token: str, batch_id: str, name: str) -> list[dict[str, Any]]:
    snapshot = installation.get(f"/v1/batches/{batch_id}", token).body
    path = f"/v1/batches/{batch_id}/events?after=0&epoch={snapshot['epoch']}"
    return [e["data"] for e in installation.get(path, token).body["events"] if e["event"] == name]


def test_three_good_and_one_empty_then_replaced(installation: Installation) -> None:
    token = installation.token()
    batch_id = register(installation, token, 4)["batch_id"]
    for number in range(3):
        send(installation, token, batch_id, f"{number}.txt", essay_bytes(100 + number))
    empty = send(installation, token, batch_id, "tom fil.txt", b"")
    found = settled(installation, token, batch_id, 4)
    assert found["status"] == "awaiting_content"
    assert (found["counts"]["assigned"], found["counts"]["failed"], found["counts"]["free"]) == (3, 1, 1)
    failure = told(installation, token, batch_id, "essay.validation.failed")
    assert failure["file_upload_id"] == empty
    assert failure["validation_error_code"] == "EMPTY_CONTENT"
    assert failure["validation_error_detail"]["message"]

    answer = installation.replace(empty, token, "inte tom.txt", essay_bytes(199))
    assert (answer.status, answer.body["file_upload_id"]) == (200, empty)
    assert wait_for_status(installation, token, batch_id, DONE)["status"] == "completed"
    trace = installation.get(f"/v1/files/{empty}/trace", token).body["events"]
    types = [event["event_type"] for event in trace]
    assert types[:3] == ["BatchFileAdded", "FileProcessingStarted", "EssayValidationFailed"]
    assert types[-1] == "SpellcheckCompleted"


def test_three_good_and_one_empty_then_started(installation: Installation) -> None:
    token = installation.token()
    batch_id = register(installation, token, 4)["batch_id"]
    for number in range(3):
        send(installation, token, batch_id, f"{number}.txt", essay_bytes(200 + number))
    send(installation, token, batch_id, "tom.txt", b" \n\t")
    settled(installation, token, batch_id, 4)
    assert installation.post(f"/v1/batches/{batch_id}/start", {}, token).status == 200
    assert wait_for_status(installation, token, batch_id, DONE)["status"] == "completed_with_failures"
    ready = told(installation, token, batch_id, "batch.essays.ready")
    assert len(ready["ready_essays"]) == 3
    done = told(installation, token, batch_id, "batch.results.ready")
    assert (done["essays"], done["succeeded"], done["failed"]) == (3, 3, 0)


def test_nine_for_seven_then_room_for_nine(installation: Installation) -> None:
    token = installation.token()
    batch_id = register(installation, token, 7)["batch_id"]
    for number in range(9):
        send(installation, token, batch_id, f"{number}.txt", essay_bytes(300 + number))
    counts = settled(installation, token, batch_id, 9)["counts"]
    assert (counts["assigned"], counts["excess"]) == (7, 2)
    answer = installation.post(f"/v1/batches/{batch_id}/expect", {"expected_essay_count": 9}, token)
    assert answer.status == 200
    wait_until(
        lambda: status_of(installation, token, batch_id)["counts"]["assigned"] == 9,
        30,
        "all nine have places",
    )

    def all_are_checked() -> bool:
        essays = installation.get(f"/v1/batches/{batch_id}/results", token).body["essays"]
        return all((essay["spellcheck"] or {}).get("status") == "succeeded" for essay in essays)

    # A run that was about to end for seven may end first; the two then begin another.
    wait_until(all_are_checked, 60, "all nine are checked")
    assert wait_for_status(installation, token, batch_id, DONE)["status"] == "completed"


@pytest.mark.parametrize(("threshold", "wanted"), [(0.7, "completed"), (0.8, "awaiting_content")])
def test_five_of_seven_at_the_deadline(installation: Installation, threshold: float, wanted: str) -> None:
    token = installation.token()
    configuration = {"readiness_seconds": 6, "partial_batch_threshold": threshold}
    batch_id = register(installation, token, 7, configuration=configuration)["batch_id"]
    for number in range(5):
        send(installation, token, batch_id, f"{number}.txt", essay_bytes(400 + number))
    timeout = told(installation, token, batch_id, "batch.readiness.timeout")
    assert (timeout["missing_n"], timeout["actual_count"]) == (2, 5)
    assert wait_for_status(installation, token, batch_id, {wanted})["status"] == wanted
    late = send(installation, token, batch_id, "sen.txt", essay_bytes(498))
    wait_until(
        lambda: installation.get(f"/v1/files/{late}", token).body["status"] == "assigned", 30, "a late file"
    )


def test_the_same_file_twice_takes_one_place(installation: Installation) -> None:
    token = installation.token()
    batch_id = register(installation, token, 2)["batch_id"]
    first = send(installation, token, batch_id, "a.txt", essay_bytes(500))
    second = send(installation, token, batch_id, "b.txt", essay_bytes(500))
    counts = settled(installation, token, batch_id, 2)["counts"]
    assert (counts["assigned"], counts["duplicate"], counts["free"]) == (1, 1, 1)
    duplicate = told(installation, token, batch_id, "essay.content.duplicate")
    assert {duplicate["file_upload_id"], duplicate["duplicate_of"]} == {first, second}


def test_every_event_delivered_again_changes_nothing(installation: Installation) -> None:
    token = installation.token()
    batch_id = register(installation, token, 3)["batch_id"]
    for number in range(3):
        send(installation, token, batch_id, f"{number}.txt", essay_bytes(600 + number))
    wait_for_status(installation, token, batch_id, DONE)
    before = installation.get(f"/v1/batches/{batch_id}", token).body

    with psycopg.connect(installed_environment(installation.var)["DATABASE_URL"]) as database:
        database.execute(
            "INSERT INTO huleedu_outboxmessage"
            " (event_id, event_type, batch_id, lane, envelope, attempts, first_error, last_error)"
            " SELECT event_id, event_type, batch_id, 0, envelope, 0, '', ''"
            " FROM huleedu_loggedevent WHERE batch_id = %s ORDER BY random()",
            [batch_id],
        )
        database.execute("NOTIFY huleedu_outbox")
        database.commit()

        def relayed() -> bool:
            left = database.execute("SELECT count(*) FROM huleedu_outboxmessage").fetchone()
            database.commit()
            return left == (0,)

        wait_until(relayed, 30, "all are relayed again")
    assert installation.get(f"/v1/batches/{batch_id}", token).body == before
