"""A whole installation that root starts in a folder of its own: nothing of it is root's."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from huleedu.embedded import PostgresServer
from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.world import World
from tests.installation import free_port, wait_until

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="concerns a start by root"),
]
SPOOLED = 300_000  # bytes; from 100,000 on the web server puts a body on disk


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The installation, in a folder that only root may enter, with what an older release left as root."""
    with tempfile.TemporaryDirectory(prefix="huleedu-root-", ignore_cleanup_errors=True) as name:
        var = Path(name) / "var"
        for folder in ("secrets", "logs", "run", "content/raw", "tmp"):
            (var / folder).mkdir(parents=True)
        (var / "logs" / "web.log").write_text("")
        (var / "tmp" / "left").write_text("by a process that was killed")
        found = World(Reached(var, free_port()))
        try:
            found.installation.start()
            yield found
        finally:
            found.installation.stop()


def users(world: World) -> dict[int, str]:
    """Which process has any right of root's, by its number."""
    found = {}
    for pid in world.installation.processes([]):
        status = Path(f"/proc/{pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        if "0" in lines["Uid"].split() or "0" in lines["Groups"].split() or int(lines["CapPrm"], 16):
            found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return found


def of_root(folder: Path) -> list[Path]:
    """What root owns in ``folder``."""
    return [path for path in (folder, *folder.rglob("*")) if path.lstat().st_uid == 0]


def test_no_process_is_roots(world: World) -> None:
    assert len(world.installation.processes([])) > 6
    assert users(world) == {}
    server = PostgresServer(world.var)
    postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{postmaster}").stat().st_uid == world.var.stat().st_uid != 0


def test_nothing_in_the_state_folder_is_roots(world: World) -> None:
    assert of_root(world.var) == []
    first = world.var / "first-sign-in.txt"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert not (world.var / "tmp" / "left").exists()


def test_it_works_and_commands_of_root_spoil_nothing(world: World) -> None:
    token = world.add_account("alma.berg")
    assert world.manage("demo").returncode == 0
    batch = world.installation.post(
        "/v1/batches/register", {"expected_essay_count": 1, "language": "en"}, token
    )
    batch_id = batch.body["batch_id"]
    answer = world.installation.upload(batch_id, token, "a.txt", essay_bytes(1), str(uuid4()))
    assert answer.status == 201
    done = {"completed", "completed_with_failures"}
    status = f"/v1/batches/{batch_id}/status"
    wait_until(lambda: world.installation.get(status, token).body["status"] in done, 60, "it is done")
    world.wait_quiet()
    for command in (["verify_store"], ["tidy"], ["collectstatic", "--noinput"], ["check_installation"]):
        told = world.manage(*command)
        assert told.returncode == 0, f"{command} {told.stdout} {told.stderr}"
    assert of_root(world.var) == []


def test_the_database_role_may_make_nothing_of_its_own(world: World) -> None:
    with psycopg.connect(PostgresServer(world.var).url, autocommit=True) as connection:
        for statement in ("CREATE DATABASE other", "CREATE ROLE other"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def bodies(pid: int) -> list[str]:
    """Where the larger files lie that the process has open and that have no name."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
            if target.endswith(" (deleted)") and link.stat().st_size >= SPOOLED // 2:
                found.append(target)
        except OSError:
            continue
    return found


def test_a_body_on_its_way_lies_in_the_state_folder(world: World) -> None:
    token = world.teacher_token()
    (web,) = world.installation.processes(["huleedu.server"])
    head = (
        "POST /v1/files/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {2 * SPOOLED}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", world.installation.port)) as connection:
        connection.sendall(head.encode() + b"x" * SPOOLED)
        wait_until(lambda: bodies(web) != [], 10, "the body is on the disk")
        found = bodies(web)
    assert {Path(path).parent for path in found} == {world.var / "tmp"}


def test_after_a_kill_the_next_start_tidies_and_is_whole(world: World) -> None:
    account = world.var.stat().st_uid
    left = world.var / "tmp" / "upload"
    left.write_text("a pupil's")
    world.installation.kill_everything()
    world.installation.start()
    assert not left.exists()
    assert users(world) == {}
    assert world.var.stat().st_uid == account


def test_the_start_says_which_servers_run(world: World) -> None:
    said = (world.var.parent / "run.log").read_text()
    version = PostgresServer(world.var).choice().version
    assert f"PostgreSQL {version} runs" in said
    assert "Valkey " in said
