"""The test matrix against real processes: web, relay, workers, PostgreSQL, Valkey, sockets, kill -9."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.conftest import essay_bytes
from tests.installation import Answer, Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
DONE = {"completed", "completed_with_failures", "failed"}


def register(installation: Installation, token: str, expected: int, **extra: Any) -> dict[str, Any]:
    answer = installation.post(
        "/v1/batches/register", {"expected_essay_count": expected, "language": "en", **extra}, token
    )
    assert answer.status == 201, answer
    return dict(answer.body)


def status_of(installation: Installation, token: str, batch_id: str) -> dict[str, Any]:
    answer = installation.get(f"/v1/batches/{batch_id}/status", token)
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    counts = body["counts"]
    assert body["expected_essay_count"] == counts["free"] + counts["assigned"]
    assert counts["received"] == sum(
        counts[name] for name in ("assigned", "failed", "excess", "duplicate", "in_progress")
    )
    return body


def wait_for_status(
    installation: Installation, token: str, batch_id: str, wanted: set[str]
) -> dict[str, Any]:
    wait_until(
        lambda: status_of(installation, token, batch_id)["status"] in wanted, 90, f"batch is one of {wanted}"
    )
    return status_of(installation, token, batch_id)


def accepted(answer: Answer) -> str:
    assert answer.status == 201, answer
    (record,) = answer.body["files"]
    return str(record["file_upload_id"])


def test_a_hundred_uploads_at_once_get_a_hundred_slots(installation: Installation) -> None:
    token = installation.token()
    batch = register(installation, token, 100)

    def upload(number: int) -> str:
        return accepted(
            installation.upload_until_answered(
                batch["batch_id"], token, f"uppsats {number} åäö (kopia).txt", essay_bytes(number)
            )
        )

    with ThreadPoolExecutor(16) as pool:
        file_ids = list(pool.map(upload, range(100)))
    assert len(set(file_ids)) == 100
    final = wait_for_status(installation, token, batch["batch_id"], DONE)
    assert final["status"] == "completed"
    results = installation.get(f"/v1/batches/{batch['batch_id']}/results", token).body
    assert sorted(essay["number"] for essay in results["essays"]) == list(range(1, 101))
    assert {essay["file_upload_id"] for essay in results["essays"]} == set(file_ids)
    assert {essay["essay_id"] for essay in results["essays"]} == {e["essay_id"] for e in batch["essays"]}


def follow(url: str, token: str, origin: str, seconds: float) -> tuple[list[dict[str, Any]], int | None]:
    """Messages of a socket for ``seconds``, and the code it was closed with."""

    async def listen() -> tuple[list[dict[str, Any]], int | None]:
        messages: list[dict[str, Any]] = []
        headers = {"Authorization": f"Bearer {token}"}
        try:
            opened = connect(url, additional_headers=headers, origin=Origin(origin))
            async with asyncio.timeout(seconds), opened as socket:
                async for text in socket:
                    messages.append(json.loads(text))
        except TimeoutError:
            return messages, None
        except ConnectionClosed as closed:
            return messages, closed.rcvd.code if closed.rcvd else None
        return messages, socket.close_code

    return asyncio.run(listen())


def test_live_messages_are_gapless_and_a_late_reader_catches_up(installation: Installation) -> None:
    token = installation.token()
    batch = register(installation, token, 3)
    socket_url = f"ws://127.0.0.1:{installation.port}/ws/batches/{batch['batch_id']}/"
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(
        target=lambda: heard.extend(follow(socket_url, token, installation.url, 12)[0]), daemon=True
    )
    listener.start()
    time.sleep(1)
    for number in range(3):
        accepted(
            installation.upload(batch["batch_id"], token, f"{number}.txt", essay_bytes(number), str(uuid4()))
        )
    wait_for_status(installation, token, batch["batch_id"], DONE)
    listener.join(20)

    events = [message for message in heard if message["type"] == "event"]
    assert heard[0]["type"] == "hello"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    names = [event["event"] for event in events]
    for name in (
        "batch.file.added",
        "essay.slot.assigned",
        "essay.spellcheck.completed",
        "batch.results.ready",
    ):
        assert name in names
    epoch = heard[0]["epoch"]
    late, _ = follow(f"{socket_url}?after=2&epoch={epoch}", token, installation.url, 3)
    assert [message["seq"] for message in late if message["type"] == "event"] == [
        e["seq"] for e in events[2:]
    ]
    polled = installation.get(f"/v1/batches/{batch['batch_id']}/events?after=2&epoch={epoch}", token).body
    assert polled["events"] == [message for message in late if message["type"] == "event"]


def test_foreign_origins_strangers_and_unknown_batches_are_refused(installation: Installation) -> None:
    token = installation.token()
    stranger = installation.token("support")
    batch = register(installation, token, 1)
    base = f"ws://127.0.0.1:{installation.port}/ws/batches/"
    with pytest.raises(Exception, match="403"):
        follow(f"{base}{batch['batch_id']}/", token, "https://evil.example", 3)
    assert follow(f"{base}{batch['batch_id']}/", stranger, installation.url, 5)[1] == 4404
    assert follow(f"{base}{uuid4()}/", token, installation.url, 5)[1] == 4404
    assert follow(f"{base}{batch['batch_id']}/", "hule_nonsense", installation.url, 5)[1] == 4401
    foreign = installation.get(f"/v1/batches/{batch['batch_id']}", stranger)
    missing = installation.get(f"/v1/batches/{uuid4()}", stranger)
    for answer in (foreign, missing):
        answer.body.pop("correlation_id")
    assert (foreign.status, foreign.body) == (missing.status, missing.body)
    assert foreign.status == 404


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_in_the_middle_everything_finishes_once(installation: Installation, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311
    token = installation.token()
    batch = register(installation, token, 40)

    def nemesis() -> None:
        victims = [
            ["huleedu.server"],
            ["qcluster", "Q_CLUSTER_NAME=relay"],
            ["qcluster", "Q_CLUSTER_NAME=steps"],
        ]
        for _ in range(8):
            time.sleep(choose.uniform(0.1, 1.0))
            alive = installation.processes(choose.choice(victims))
            if alive:
                os.kill(choose.choice(alive), signal.SIGKILL)

    killer = threading.Thread(target=nemesis)
    killer.start()
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda n: installation.upload_until_answered(
                    batch["batch_id"], token, f"essay {n}.txt", essay_bytes(n + seed * 1000)
                ),
                range(40),
            )
        )
    killer.join()
    file_ids = [accepted(answer) for answer in answers]
    assert len(set(file_ids)) == 40
    wait_until(lambda: installation.get("/readyz").status == 200, 30, "ready again")
    final = wait_for_status(installation, token, batch["batch_id"], DONE)
    assert final["counts"] == {
        "free": 0, "assigned": 40, "received": 40, "in_progress": 0, "failed": 0, "excess": 0, "duplicate": 0,
    }  # fmt: skip
    assert final["status"] == "completed"
    snapshot = installation.get(f"/v1/batches/{batch['batch_id']}", token).body
    events = installation.get(
        f"/v1/batches/{batch['batch_id']}/events?after=0&epoch={snapshot['epoch']}", token
    ).body["events"]
    assert [event["seq"] for event in events] == list(range(1, snapshot["seq"] + 1))
    names = [event["event"] for event in events]
    assert names.count("essay.slot.assigned") == 40
    assert names.count("essay.spellcheck.completed") == 40
    assert names.count("batch.results.ready") == 1


def test_a_second_start_finds_everything_again(installation: Installation) -> None:
    token = installation.token()
    batch = register(installation, token, 2)
    accepted(installation.upload(batch["batch_id"], token, "en.txt", essay_bytes(7001), str(uuid4())))
    installation.kill_everything()
    installation.start()
    accepted(installation.upload(batch["batch_id"], token, "två.txt", essay_bytes(7002), str(uuid4())))
    assert wait_for_status(installation, token, batch["batch_id"], DONE)["status"] == "completed"


def test_a_note_that_no_longer_holds_costs_a_migration_and_nothing_else(installation: Installation) -> None:
    """The application has loaded by the time that the database turns out to be another than was noted."""
    note = installation.var / "migrated.json"
    installation.stop()
    noted = json.loads(note.read_text())
    note.write_text(json.dumps([*noted[:2], *("another" for _ in noted[2:])]))
    installation.start()
    assert json.loads(note.read_text()) == noted, "it migrated, and noted it"
    webs = installation.processes(["huleedu.server"])
    assert len(webs) == 1, "the one that had loaded before is gone"
    token = installation.token()
    batch = register(installation, token, 1)
    accepted(installation.upload(batch["batch_id"], token, "ny.txt", essay_bytes(1), uuid4().hex))
    assert wait_for_status(installation, token, batch["batch_id"], DONE)["status"] == "completed"
