"""Workers killed in the middle of an erasure, and undo against the deadline: all is erased once, or none."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from huleedu.embedded import ValkeyServer
from huleedu.failures import failpoints
from huleedu.machine import programs
from tests.faults.teacher import assert_all_holds, register, status_of, upload_many, wait_completed
from tests.faults.world import World, children, is_founder, kill
from tests.installation import ROOT, Answer, wait_until

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


@contextmanager
def clusters(world: World, log: Path, number: int) -> Iterator[list[int]]:
    """So many step clusters beside the installation's own, on its database, store and key."""
    environment = {
        **world.installation.environment(),
        "DATABASE_URL": world.database_url,
        "REDIS_URL": ValkeyServer(world.var).url,
        "SECRET_KEY": (world.var / "secrets" / "secret-key").read_text().strip(),
        "HULEEDU_PROCESS": "steps",
        "Q_CLUSTER_NAME": "steps",
    }
    environment.pop(failpoints.VARIABLE)
    command = programs.dying_with_us([sys.executable, "manage.py", "qcluster"], signal.SIGKILL)
    before = present(world)
    started: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("ab") as file:
            for _ in range(number):
                started.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
                    )
                )
        wait_until(lambda: present(world) >= before + number, 60, "they are at work")
        yield [process.pid for process in started]
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def present(world: World) -> int:
    """How many step clusters have given a sign of life."""
    return world.count("SELECT count(*) FROM huleedu_relaypresence WHERE role = 'steps'")


def workers(cluster: int) -> list[int]:
    """Processes below a cluster's first two."""
    return [each for guard in children(cluster) if not is_founder(guard) for each in children(guard)]


def test_three_clusters_erase_what_is_due_and_nothing_else(world: World, token: str, tmp_path: Path) -> None:
    """Some of it is brought back before, other files come, and workers of all clusters are killed."""
    batch_id, file_ids = completed(world, token, 6)
    (deleted, _), (back, _) = completed(world, token, 2), completed(world, token, 2)
    gone, kept = file_ids[:3], file_ids[3:]
    for file_id in file_ids[:5]:
        world.installation.post(f"/v1/files/{file_id}", {}, token, method="DELETE")
    for binned in (deleted, back):
        world.installation.post(f"/v1/batches/{binned}", {}, token, method="DELETE")
    for path in (*(f"/v1/files/{file_id}/restore" for file_id in kept[:2]), f"/v1/bin/{back}/restore"):
        assert world.installation.post(path, {}, token).status == 200
    with clusters(world, tmp_path / "steps.log", 2) as beside:
        hasten(world)
        for cluster in (world.pid("steps"), *beside):
            upload_many(world, token, batch_id, 1)
            for pid in workers(cluster)[:2]:
                kill(pid)
        wait_erased(world)
    wait_until(lambda: status_of(world, token, batch_id) == "completed", 60, "the batch has ended again")
    found = dict(
        world.query(
            "SELECT id::text, (status, filename <> '')::text FROM files_fileupload WHERE batch_id = %s",
            batch_id,
        )
    )
    assert [found[file_id] for file_id in gone] == ["(removed,f)"] * 3
    assert [found[file_id] for file_id in kept] == ["(assigned,t)"] * 3
    assert contents_of(world, back) | contents_of(world, batch_id) <= stored(world)
    assert len(contents_of(world, back)) == 4
    assert world.count("SELECT count(*) FROM batches_batch WHERE id = %s", deleted) == 0
    assert world.count("SELECT count(*) FROM huleedu_deadletter") == 0
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
