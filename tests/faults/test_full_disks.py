"""F19–F21 on a running installation: the database's disk full, the content's disk full, and read-only."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from huleedu.machine import places
from huleedu.outside.disks import KEPT_SECONDS
from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.disks import SmallDisk, small_disk
from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.world import World
from tests.installation import Answer, free_port, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
MEGABYTE = 1024 * 1024
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Cramped:
    """An installation whose database and content lie on small disks."""

    world: World
    token: str
    database: SmallDisk
    content: SmallDisk

    def upload(self, batch_id: str, data: bytes) -> Answer:
        """One request, not repeated."""
        return self.world.installation.upload(batch_id, self.token, "essay.txt", data, str(uuid4()))

    def files(self) -> set[Path]:
        """Everything in the content store, probes left out."""
        found = self.world.content.rglob("*")
        return {path for path in found if path.is_file() and "probe" not in path.parts} - {
            self.content.filler
        }

    def rows(self) -> tuple[int, int]:
        """How many files and contents are known."""
        count = self.world.count
        return count("SELECT count(*) FROM files_fileupload"), count(
            "SELECT count(*) FROM files_storedcontent"
        )


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cramped]:
    """The installation; skipped where mounting is not allowed."""
    var = tmp_path_factory.mktemp("cramped") / "var"
    account = places.service_account()
    places.make_state_folder(var, account)
    places.make_server_folder(var, "postgres", account)
    content = var / "content"
    content.mkdir(mode=0o700)
    with ExitStack() as stack:
        database = stack.enter_context(small_disk(places.server_folder(var, "postgres"), 160))
        small = stack.enter_context(small_disk(content, 4))
        world = World(Reached(var, free_port()))
        stack.callback(world.installation.stop)
        world.installation.start()
        yield Cramped(world, world.teacher_token(), database, small)


def assert_told(answer: Answer, *statuses: int) -> None:
    """A refusal as it should be: plain, and without anything of our insides."""
    assert answer.status in statuses, answer
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.body["status"] == answer.status
    assert "Traceback" not in str(answer.body)
    assert "No space" not in str(answer.body)


def write_ahead_until_panic(world: World) -> None:
    """Write to the database's log until its disk takes no more."""
    with pytest.raises(psycopg.Error), world.connect() as connection:
        for _ in range(200):
            connection.execute("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000))")
    assert "PANIC" in (world.var / "logs" / "postgres.log").read_text()


def test_a_full_database_disk_loses_nothing_and_ends_by_itself(cramped: Cramped) -> None:
    world, expected = cramped.world, 30
    batch_id = register(world, cramped.token, expected)
    files = upload_many(world, cramped.token, batch_id, 4)
    cramped.database.fill()
    write_ahead_until_panic(world)
    answers: list[Answer] = []
    until = time.monotonic() + 5
    while time.monotonic() < until and len(answers) < 20:
        answers.append(cramped.upload(batch_id, essay_bytes(700_000 + len(answers))))
        assert world.installation.get("/healthz").status == 200
        time.sleep(0.2)
    refused = [answer for answer in answers if answer.status != 201]
    assert refused
    for answer in refused:
        assert_told(answer, 503, 507)
        assert int(answer.headers["Retry-After"]) > 0
    files += [each["file_upload_id"] for a in answers if a.status == 201 for each in a.body["files"]]
    cramped.database.remount("size=400m")
    wait_until(world.is_ready, 60, "the database has recovered by itself")
    known = {str(row) for (row,) in world.query("SELECT id FROM files_fileupload")}
    assert set(files) <= known, "acknowledged files are gone"
    files += upload_many(world, cramped.token, batch_id, expected - len(files))
    wait_completed(world, cramped.token, batch_id, files)
    assert "Traceback" not in (world.var / "logs" / "web.log").read_text()


def margin_of(disk: SmallDisk) -> int:
    """What uploads leave free of a small disk."""
    status = os.statvfs(disk.folder)
    return status.f_blocks * status.f_frsize // 20


@pytest.mark.parametrize("which", ["content", "database"])
def test_uploads_stop_before_a_disk_is_full_and_all_else_goes_on(cramped: Cramped, which: str) -> None:
    world, disk = cramped.world, cramped.content if which == "content" else cramped.database
    batch_id = register(world, cramped.token, 3)
    files = upload_many(world, cramped.token, batch_id, 3)
    spare = register(world, cramped.token, 3)
    (unwanted,) = upload_many(world, cramped.token, spare, 1)
    disk.fill(leave=margin_of(disk) * 3 // 4)
    time.sleep(KEPT_SECONDS + 0.2)  # so long a good finding holds
    try:
        rows = cramped.rows()[0]
        answer = cramped.upload(spare, essay_bytes(730_000))
        assert_told(answer, 507)
        assert answer.body["code"] == "STORAGE_FULL"
        assert answer.body["details"]["disk"] == which
        assert answer.body["details"]["free"] < answer.body["details"]["margin"]
        assert cramped.rows()[0] == rows
        wait_completed(world, cramped.token, batch_id, files)  # read and checked
        results = world.installation.get(f"/v1/batches/{batch_id}/results", cramped.token)
        assert len(results.body["essays"]) == 3
        removed = world.installation.post(f"/v1/files/{unwanted}", {}, cramped.token, method="DELETE")
        assert removed.status == 200
        assert world.installation.get("/readyz").status == 200
    finally:
        disk.empty()
    wait_until(lambda: cramped.upload(spare, essay_bytes(730_001)).status == 201, 5, "there is room again")
    assert "Traceback" not in (world.var / "logs" / "web.log").read_text()


def test_a_full_content_disk_takes_nothing_half(cramped: Cramped) -> None:
    world = cramped.world
    batch_id = register(world, cramped.token, 2)
    world.wait_quiet()
    files, rows = cramped.files(), cramped.rows()
    too_big = cramped.upload(batch_id, b"word " * MEGABYTE)
    assert_told(too_big, 507)
    assert too_big.body["code"] == "STORAGE_FULL"
    assert (cramped.files(), cramped.rows()) == (files, rows)
    cramped.content.fill()
    for number in range(3):
        assert_told(cramped.upload(batch_id, essay_bytes(710_000 + number)), 507)
    assert (cramped.files(), cramped.rows()) == (files, rows)
    cramped.content.empty()
    wait_completed(world, cramped.token, batch_id, upload_many(world, cramped.token, batch_id, 2))


def test_a_content_disk_that_becomes_read_only(cramped: Cramped) -> None:
    world = cramped.world
    batch_id = register(world, cramped.token, 1)
    world.wait_quiet()
    files, rows = cramped.files(), cramped.rows()
    cramped.content.remount("ro")
    try:
        answer = cramped.upload(batch_id, essay_bytes(720_000))
        assert_told(answer, 503)
        assert (answer.body["code"], answer.headers["Retry-After"]) == ("STORAGE_FAILED", "10")
        assert world.installation.get("/readyz").body["checks"]["storage"] == "failed"
        assert (cramped.files(), cramped.rows()) == (files, rows)
    finally:
        cramped.content.remount("rw")
    wait_completed(world, cramped.token, batch_id, upload_many(world, cramped.token, batch_id, 1))
