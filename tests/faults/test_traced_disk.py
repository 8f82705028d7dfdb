"""F21, F36: a disk that fails to flush, and the order in which an upload becomes durable in the kernel."""

import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.tracing import steps, traced
from tests.faults.world import World
from tests.installation import Answer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
WATCHED = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg"


def upload_once(world: World, token: str, batch_id: str, number: int) -> Answer:
    """One request, not repeated."""
    return world.installation.upload(batch_id, token, "essay.txt", essay_bytes(number), str(uuid4()))


def stored(world: World) -> set[Path]:
    """Everything in the content store, probes left out."""
    return {path for path in world.content.rglob("*") if path.is_file() and "probe" not in path.parts}


def test_a_failing_flush_promises_nothing_and_leaves_nothing(world: World, token: str) -> None:
    batch_id = register(world, token, 2)
    upload_many(world, token, batch_id, 1)
    world.wait_quiet()
    before = stored(world)
    rows = world.count("SELECT count(*) FROM files_storedcontent")
    with traced(world.pid("web"), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO"):
        answer = upload_once(world, token, batch_id, 820_001)
    assert (answer.status, answer.body["code"]) == (503, "STORAGE_FAILED")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert world.count("SELECT count(*) FROM files_fileupload WHERE batch_id = %s", batch_id) == 1
    assert world.count("SELECT count(*) FROM files_storedcontent") == rows
    assert stored(world) == before
    assert upload_once(world, token, batch_id, 820_002).status == 201


def first(done: list[tuple[str, str]], start: int, phase: str, is_it: Callable[[str], bool]) -> int:
    """The place of the first such step after ``start``."""
    for place in range(start + 1, len(done)):
        if done[place][0] == phase and is_it(done[place][1]):
            return place
    raise AssertionError(f"not after step {start}: {done[start:]}")


def is_folder_flush(call: str) -> bool:
    """True for the flush of a folder of the content store, named by its two hexadecimal digits."""
    return call.startswith("fsync(") and call.split("<")[1].split(">")[0].rsplit("/", 2)[-2] == "raw"


def test_the_kernel_sees_bytes_before_the_commit_and_the_commit_before_the_answer(
    world: World, token: str
) -> None:
    batch_id = register(world, token, 1)
    with traced(world.pid("web"), "-e", WATCHED) as log:
        answer = upload_once(world, token, batch_id, 820_003)
        time.sleep(0.3)
        done = steps(log)
    assert answer.status == 201
    file_flushed = first(done, -1, "ended", lambda call: call.startswith("fsync(") and ".part>" in call)
    renamed = first(done, -1, "begins", lambda call: call.startswith("rename") and ".part" in call)
    rename_done = first(done, -1, "ended", lambda call: call.startswith("rename") and ".part" in call)
    folder_flushed = first(done, rename_done, "ended", is_folder_flush)
    inserted = first(done, -1, "begins", lambda call: 'INSERT INTO \\"files_fileupload\\"' in call)
    committed = first(done, inserted, "begins", lambda call: call.startswith("sendto(") and "COMMIT" in call)
    answered = first(done, -1, "begins", lambda call: "HTTP/1.1 201" in call)
    order = [file_flushed, renamed, folder_flushed, committed, answered]
    assert order == sorted(order), order
    file_ids = [each["file_upload_id"] for each in answer.body["files"]]
    wait_completed(world, token, batch_id, file_ids)
