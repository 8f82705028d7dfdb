"""Workers killed in the middle of an erasure, and undo against the deadline: all is erased once, or none."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.teacher import assert_all_holds, register, status_of, upload_many, wait_completed
from tests.faults.world import World
from tests.installation import Answer, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
AT_ONCE = 20
HASTEN = (
    "UPDATE huleedu_erasure SET due_at = now() + make_interval(secs => %s) WHERE ended_at IS NULL",
    "UPDATE huleedu_timer SET due_at = now() + make_interval(secs => %s) WHERE kind = 'erase'",
)


def hasten(world: World, seconds: float = 0.0) -> None:
    """What is to be erased is due in ``seconds``."""
    for statement in HASTEN:
        world.execute(statement, seconds)


def open_ones(world: World) -> int:
    return world.count("SELECT count(*) FROM huleedu_erasure WHERE ended_at IS NULL")


def wait_erased(world: World) -> None:
    wait_until(lambda: open_ones(world) == 0, 90, "everything is erased")
    world.wait_quiet()


def contents_of(world: World, batch_id: str) -> set[str]:
    """The names of files in the store that belong to the batch."""
    rows = world.query("SELECT id FROM files_storedcontent WHERE batch_id = %s", batch_id)
    return {content_id.hex for (content_id,) in rows}


def stored(world: World) -> set[str]:
    return {path.name for kind in ("raw", "text") for path in (world.content / kind).rglob("*")}


def completed(world: World, token: str, number: int) -> tuple[str, list[str]]:
    """A completed batch; its id and its files' ids."""
    batch_id = register(world, token, number)
    file_ids = upload_many(world, token, batch_id, number)
    wait_completed(world, token, batch_id, file_ids)
    return batch_id, file_ids


@pytest.mark.parametrize(
    "name", ["erase.after_note", "erase.after_bytes", "erase.after_contents", "erase.before_end"]
)
def test_killed_there_it_is_erased_once_and_nothing_else_is(world: World, token: str, name: str) -> None:
    batch_id, (removed, kept) = completed(world, token, 2)
    other, _ = completed(world, token, 1)
    before = contents_of(world, batch_id)
    for path in (f"/v1/files/{removed}", f"/v1/batches/{other}"):
        world.installation.post(path, {}, token, method="DELETE")
    world.marker(name).unlink()
    hasten(world)
    wait_erased(world)
    assert world.marker(name).exists(), "nobody came by"
    ((filename, raw),) = world.query(
        "SELECT filename, raw_storage_id FROM files_fileupload WHERE id = %s", removed
    )
    assert (filename, raw) == ("", None)
    assert len(before - stored(world)) == 2
    assert contents_of(world, batch_id) == before & stored(world)
    assert world.count("SELECT count(*) FROM batches_batch WHERE id = %s", other) == 0
    told = "SELECT count(*) FROM huleedu_loggedevent WHERE file_upload_id = %s AND envelope::text LIKE %s"
    assert world.count(told, removed, "%essay %.txt%") == 0
    assert world.count(told, kept, "%essay %.txt%") > 0
    wait_until(lambda: status_of(world, token, batch_id) == "completed", 60, "the batch has ended again")
    assert_all_holds(world)


def at_once(ask: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, range(AT_ONCE)))


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3])
def test_undo_against_the_deadline(world: World, token: str, seconds: float) -> None:
    batch_id, (file_id,) = completed(world, token, 1)
    world.installation.post(f"/v1/files/{file_id}", {}, token, method="DELETE")
    world.wait_quiet()
    hasten(world, seconds)
    answers = at_once(lambda _: world.installation.post(f"/v1/files/{file_id}/restore", {}, token))
    statuses = [answer.status for answer in answers]
    assert set(statuses) <= {200, 409, 410}, answers
    wait_erased(world)
    wait_until(lambda: status_of(world, token, batch_id) == "completed", 60, "the batch has ended again")
    ((status, raw, revision),) = world.query(
        "SELECT status, raw_storage_id, revision FROM files_fileupload WHERE id = %s", file_id
    )
    if 200 in statuses:
        assert (status, revision) == ("assigned", 1)
        assert contents_of(world, batch_id) <= stored(world)
    else:
        assert (status, raw) == ("removed", None)
    assert_all_holds(world)


def test_restoring_against_erasing_now(world: World, token: str) -> None:
    batch_id, _ = completed(world, token, 1)
    world.installation.post(f"/v1/batches/{batch_id}", {}, token, method="DELETE")

    def ask(number: int) -> Answer:
        if number % 2:
            return world.installation.post(f"/v1/bin/{batch_id}", {}, token, method="DELETE")
        return world.installation.post(f"/v1/bin/{batch_id}/restore", {}, token)

    answers = at_once(ask)
    assert {answer.status for answer in answers} <= {200, 404, 409, 410}, answers
    wait_erased(world)
    there = world.count("SELECT count(*) FROM batches_batch WHERE id = %s", batch_id)
    assert there == (200 in {answer.status for answer in answers[::2]})
    assert contents_of(world, batch_id) <= stored(world)
    assert_all_holds(world)
