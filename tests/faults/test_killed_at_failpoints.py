"""F1, F2, F4–F6: killed at the worst moments, every upload ends as one essay with one result."""

import os
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from files.models import StoredContent
from tests.conftest import essay_bytes
from tests.faults.teacher import assert_all_holds, register, upload_many, wait_completed
from tests.faults.world import World, kill
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


def arm(world: World, name: str) -> None:
    """The next process that comes by dies there."""
    world.marker(name).unlink()


@pytest.mark.parametrize(
    "name",
    [
        "extract.mid",
        "step.after_effect",
        "relay.before_commit",
        "relay.after_commit",
        "relay.after_publish",
    ],
)
def test_killed_there_everything_ends_once(world: World, token: str, name: str) -> None:
    batch_id = register(world, token, 3)
    world.wait_quiet()
    arm(world, name)
    file_ids = upload_many(world, token, batch_id, 3)
    wait_completed(world, token, batch_id, file_ids)
    assert world.marker(name).exists(), "nobody came by"


def ask_for_pdf(world: World, token: str, batch_id: str) -> str:
    """An export of the batch; its id."""
    answer = world.installation.post(f"/v1/batches/{batch_id}/exports", {"kind": "pdf"}, token)
    assert answer.status == 201, answer
    return str(answer.body["export_id"])


def export_of(world: World, export_id: str) -> tuple[str, int]:
    """Its state, and how often browsers were told of its end."""
    ((status,),) = world.query("SELECT status FROM results_export WHERE id = %s", export_id)
    told = "SELECT count(*) FROM huleedu_loggedevent WHERE envelope->'data'->>'export_id' = %s AND seq > 0"
    return status, world.count(told, export_id)


@pytest.mark.parametrize(
    "name",
    ["export.mid", "export.after_store", "step.after_effect", "relay.before_commit", "relay.after_commit"],
)
def test_killed_while_an_export_is_made_it_is_whole_and_told_once(
    world: World, token: str, name: str
) -> None:
    batch_id = register(world, token, 3)
    wait_completed(world, token, batch_id, upload_many(world, token, batch_id, 3))
    arm(world, name)
    export_id = ask_for_pdf(world, token, batch_id)
    wait_until(lambda: export_of(world, export_id) == ("ready", 1), 60, "the export is ready")
    world.wait_quiet()
    assert world.marker(name).exists(), "nobody came by"
    assert export_of(world, export_id) == ("ready", 1)
    ((content_id,),) = world.query("SELECT storage_id FROM results_export WHERE id = %s", export_id)
    with zipfile.ZipFile(world.content / "made" / content_id.hex[:2] / content_id.hex) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 3
    assert_all_holds(world)


def test_what_is_called_off_while_its_worker_is_dead_stays_so(world: World, token: str) -> None:
    batch_id = register(world, token, 2)
    wait_completed(world, token, batch_id, upload_many(world, token, batch_id, 2))
    arm(world, "export.mid")
    export_id = ask_for_pdf(world, token, batch_id)
    wait_until(lambda: world.marker("export.mid").exists(), 30, "the worker is dead")
    answer = world.installation.post(f"/v1/exports/{export_id}", {}, token, "DELETE")
    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    world.wait_quiet()
    assert export_of(world, export_id) == ("cancelled", 0)
    assert_all_holds(world)


def test_killed_before_the_commit_nothing_was_promised(world: World, token: str) -> None:
    batch_id = register(world, token, 1)
    world.wait_quiet()
    arm(world, "upload.after_store")
    key, data = str(uuid4()), essay_bytes(800_001)
    first = world.installation.upload(batch_id, token, "essay.txt", data, key)
    assert first.status == 0
    assert world.count("SELECT count(*) FROM files_fileupload WHERE batch_id = %s", batch_id) == 0
    wait_until(lambda: world.is_ready(), 30, "the web server is back")
    again = world.installation.upload(batch_id, token, "essay.txt", data, key)
    assert again.status == 201, again
    wait_completed(world, token, batch_id, [again.body["files"][0]["file_upload_id"]])


def stored_files(world: World) -> list[Path]:
    """Every file of originals and texts."""
    return [
        path for kind in StoredContent.Kind for path in (world.content / kind).rglob("*") if path.is_file()
    ]


def test_bytes_that_a_crash_left_are_tidied_away(world: World, token: str) -> None:
    batch_id = register(world, token, 1)
    known = world.count("SELECT count(*) FROM files_storedcontent")
    arm(world, "upload.after_store")
    wait_completed(world, token, batch_id, upload_many(world, token, batch_id, 1))
    files = stored_files(world)
    rows = world.count("SELECT count(*) FROM files_storedcontent")
    assert rows == known + 2
    assert len(files) > rows
    for path in files:
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    assert world.manage("tidy").returncode == 0
    assert len(stored_files(world)) == rows


def test_killed_after_the_commit_a_repeat_gets_the_same_file_at_once(world: World, token: str) -> None:
    batch_id = register(world, token, 1)
    world.wait_quiet()
    arm(world, "upload.after_commit")
    key, data = str(uuid4()), essay_bytes(800_002)
    assert world.installation.upload(batch_id, token, "essay.txt", data, key).status == 0
    ((file_id,),) = world.query("SELECT id FROM files_fileupload WHERE batch_id = %s", batch_id)
    wait_until(lambda: world.is_ready(), 30, "the web server is back")
    again = world.installation.upload(batch_id, token, "essay.txt", data, key)
    assert (again.status, again.body["files"][0]["file_upload_id"]) == (201, str(file_id)), again
    wait_completed(world, token, batch_id, [str(file_id)])


def test_a_killed_sandbox_is_tried_again(world: World, token: str) -> None:
    batch_id = register(world, token, 4)
    killed = 0
    file_ids = upload_many(world, token, batch_id, 4)
    until = time.monotonic() + 20
    while killed < 2 and time.monotonic() < until:
        for pid in world.sandboxes():
            killed += kill(pid)
            time.sleep(0.6)
    assert killed >= 2
    wait_completed(world, token, batch_id, file_ids)
