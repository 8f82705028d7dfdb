"""A patient teacher for the tests of the fault matrix: registers, uploads until answered, waits, compares."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from tests.conftest import essay_bytes
from tests.faults.checker import Checker
from tests.faults.world import World
from tests.installation import Answer, wait_until

DONE = {"completed", "completed_with_failures", "failed"}
NUMBERS: Iterator[int] = count(1)


def register(world: World, token: str, expected: int, **extra: Any) -> str:
    """A new batch, insisted on; returns its id."""
    body = {"expected_essay_count": expected, "language": "en", **extra}
    answers: list[Answer] = []

    def registered() -> bool:
        answers.append(world.installation.post("/v1/batches/register", body, token))
        return answers[-1].status == 201

    wait_until(registered, 60, "a batch is registered")
    return str(answers[-1].body["batch_id"])


def upload(world: World, token: str, batch_id: str) -> Answer:
    """One fresh essay, the same request repeated until it is answered."""
    number = next(NUMBERS)
    data = essay_bytes(900_000 + number)
    return world.installation.upload_until_answered(batch_id, token, f"essay {number}.txt", data)


def upload_many(world: World, token: str, batch_id: str, number: int) -> list[str]:
    """``number`` fresh essays, three at a time as a browser does; returns the ids of their files."""
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: upload(world, token, batch_id), range(number)))
    for answer in answers:
        assert answer.status == 201, answer
    return [each["file_upload_id"] for answer in answers for each in answer.body["files"]]


def status_of(world: World, token: str, batch_id: str) -> str:
    """The batch's status; empty when nobody answers."""
    answer = world.installation.get(f"/v1/batches/{batch_id}/status", token)
    return str(answer.body["status"]) if answer.status == 200 else ""


def wait_completed(world: World, token: str, batch_id: str, file_ids: list[str]) -> None:
    """The batch completes with exactly these files as its essays, and everything holds."""
    wait_until(lambda: status_of(world, token, batch_id) in DONE, 90, "the batch has ended")
    world.wait_quiet()
    results = world.installation.get(f"/v1/batches/{batch_id}/results", token).body
    assert results["status"] == "completed"
    assert {essay["file_upload_id"] for essay in results["essays"]} == set(file_ids)
    assert len(set(file_ids)) == len(file_ids) == len(results["essays"])
    assert_all_holds(world)


def assert_all_holds(world: World) -> None:
    """The independent checker finds nothing."""
    checker = Checker(world.database_url, world.content, world.var / "logs", [], "never written")
    assert checker.check_state() == []
