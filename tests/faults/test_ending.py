"""SIGTERM and SIGINT, to a process or to its group, at any moment: it ends in time and leaves nothing behind.

``ENDINGS=200`` tries that many random moments instead of a few, ``ENDINGS_SEED`` others.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from batches.models import Batch
from files.models import FileUpload
from huleedu.embedded import PostgresServer
from huleedu.machine.programs import is_guard
from huleedu.models import WorkItem
from tests.conftest import essay_bytes
from tests.faults.ending import Program, database_address, program, started, until
from tests.faults.world import alive, children
from tests.installation import ROOT, free_port
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]
NAMES = ("web", "relay", "steps", "standby")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
MOMENTS = int(os.environ.get("ENDINGS", "8"))
SEED = int(os.environ.get("ENDINGS_SEED", "1"))
LIFE_SECONDS = 3.0  # the first of it, in which everything is loaded, connected and forked


def moments() -> list[tuple[str, float, signal.Signals, bool]]:
    choose = random.Random(SEED)  # noqa: S311
    found = []
    for number in range(MOMENTS):
        delay = choose.uniform(0.0, LIFE_SECONDS)
        found.append((NAMES[number % len(NAMES)], delay, choose.choice(SIGNALS), choose.random() < 0.5))
    return found


@pytest.mark.parametrize(("name", "delay", "number", "group"), moments())
def test_in_the_first_seconds_of_its_life(
    name: str, delay: float, number: signal.Signals, group: bool, tmp_path: Path
) -> None:
    with started(*program(name), tmp_path) as found:
        if number is signal.SIGINT:
            found.wait_for_its_first_line()
        time.sleep(delay)
        found.end(number, group=group)


@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("name", NAMES)
def test_at_rest(name: str, number: signal.Signals, group: bool, tmp_path: Path) -> None:
    with started(*program(name), tmp_path) as found:
        found.wait_idle()
        found.end(number, group=group)
        assert found.process.returncode == 0, found.text


@pytest.mark.parametrize("name", NAMES)
def test_told_twice(name: str, tmp_path: Path) -> None:
    with started(*program(name), tmp_path) as found:
        found.wait_idle()
        found.end(signal.SIGINT, group=True, twice=True)


@pytest.mark.parametrize("name", ["relay", "steps", "standby"])
def test_on_a_database_without_tables(name: str, tmp_path: Path) -> None:
    with psycopg.connect(database_address(), autocommit=True) as session:
        session.execute("DROP DATABASE IF EXISTS without_tables")
        session.execute("CREATE DATABASE without_tables")
    address = database_address().rpartition("/")[0] + "/without_tables"
    with started(*program(name), tmp_path, DATABASE_URL=address) as found:
        assert found.process.wait(60) == os.EX_CONFIG, found.text
        assert "manage.py migrate" in found.text
        until(lambda: not found.living(), 10)


@contextmanager
def silent_server() -> Iterator[str]:
    """A database that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"postgresql://nobody@127.0.0.1:{listener.getsockname()[1]}/none"


@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("name", NAMES)
def test_while_the_database_is_away_or_silent(name: str, group: bool, tmp_path: Path) -> None:
    with silent_server() as silent:
        for address in (f"postgresql://nobody@127.0.0.1:{free_port()}/none", silent):
            with started(
                *program(name), tmp_path, DATABASE_URL=address, REDIS_URL="redis://127.0.0.1:1"
            ) as found:
                until(lambda: "database.away" in found.text)
                found.end(signal.SIGTERM, group=group)


def is_running() -> bool:
    return WorkItem.objects.filter(state="running").exists()


@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("number", SIGNALS)
def test_long_work_is_given_back_and_the_try_does_not_count(
    queued: Batch, pipeline: Pipeline, number: signal.Signals, group: bool, tmp_path: Path
) -> None:
    before = WorkItem.objects.get()
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="extract.mid:sleep=60") as found:
        until(is_running)
        assert found.end(number, group=group) < 7
        assert found.process.returncode == 0
    item = WorkItem.objects.get()
    assert (item.state, item.attempts, item.first_error) == ("queued", 1, ""), found.text
    assert item.max_retries == before.max_retries + 1
    pipeline.run()
    assert FileUpload.objects.get().status == "assigned"


def test_another_takes_what_was_given_back(queued: Batch, tmp_path: Path) -> None:
    with (
        started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="extract.mid:sleep=60") as first,
        started(*program("relay"), tmp_path),
    ):
        until(is_running)
        with started(*program("steps"), tmp_path) as second:
            second.wait_idle()
            first.end(signal.SIGTERM, group=True)
            began = time.monotonic()
            until(lambda: FileUpload.objects.get().text_storage_id is not None)
            assert time.monotonic() - began < 5, "a second or so, on a machine that is not busy"


def to_read() -> bool:
    """Whether a file waits to be read, or is being read; what follows from it may be queued already."""
    return WorkItem.objects.filter(step="extract").exists()


def test_short_work_is_finished(queued: Batch, tmp_path: Path) -> None:
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="extract.mid:sleep=0.7") as found:
        until(is_running)
        found.end(signal.SIGTERM, group=True)
    assert not to_read()
    assert FileUpload.objects.get().text_storage_id is not None


def test_work_that_waits_for_a_locked_row_is_given_back(
    queued: Batch, pipeline: Pipeline, tmp_path: Path
) -> None:
    with (
        psycopg.connect(database_address()) as holder,
        started(*program("steps"), tmp_path) as found,
    ):
        holder.execute("SELECT 1 FROM files_fileupload FOR UPDATE")
        holder.execute("SELECT 1 FROM batches_batch FOR UPDATE")
        until(is_running)
        found.end(signal.SIGTERM, group=True)
        holder.rollback()
    assert WorkItem.objects.get().state == "queued"
    pipeline.run()
    assert FileUpload.objects.get().status == "assigned"


def test_an_effect_that_was_committed_is_not_given_back(queued: Batch, tmp_path: Path) -> None:
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="step.after_effect:sleep=60") as found:
        until(lambda: not to_read())
        found.end(signal.SIGTERM, group=True)
    assert not to_read()


def test_a_relay_in_the_middle_of_events_leaves_them(
    pipeline: Pipeline, teacher: User, tmp_path: Path
) -> None:
    with (
        psycopg.connect(database_address()) as holder,
        started(*program("relay"), tmp_path) as found,
    ):
        batch = pipeline.register(teacher, 1)
        holder.execute("SELECT 1 FROM batches_batch FOR UPDATE")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found.wait_idle()
        found.end(signal.SIGTERM, group=True)
        holder.rollback()
    pipeline.upload(batch, essay_bytes(1), "essay.txt")
    pipeline.run()
    assert FileUpload.objects.get().status == "assigned"


@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
def test_a_web_server_with_a_slow_upload_and_a_waiting_request(group: bool, tmp_path: Path) -> None:
    arguments, variables = program("web")
    port = int(arguments[-1])
    with started(arguments, variables, tmp_path) as found, psycopg.connect(database_address()) as holder:
        until(lambda: answers(port))
        holder.execute("LOCK TABLE auth_user IN ACCESS EXCLUSIVE MODE")
        with (
            socket.create_connection(("127.0.0.1", port)) as waiting,
            socket.create_connection(("127.0.0.1", port)) as slow,
            socket.create_connection(("127.0.0.1", port)),
        ):
            body = b'{"username": "a", "password": "b"}'
            head = b"POST /v1/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            waiting.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            slow.sendall(head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
            time.sleep(0.5)
            began = time.monotonic()
            found.send(signal.SIGTERM, group)
            found.process.wait(10)
            assert time.monotonic() - began < 10
            assert "Traceback" not in found.text


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def whole_installation(tmp_path: Path) -> Iterator[Program]:
    """``make run`` with servers and a key of its own, in ``var`` below ``tmp_path``."""
    tmp_path.chmod(0o711)
    tmp_path.parent.chmod(0o711)
    nothing = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": "", "HULEEDU_STORAGE": ""}
    own = {"HULEEDU_VAR": str(tmp_path / "var"), "HULEEDU_PORT": str(free_port()), "HULEEDU_USER": ""}
    with started(["manage.py", "run"], {}, tmp_path, **nothing, **own) as found:
        yield found


@pytest.mark.parametrize(
    ("delay", "number", "group"),
    [
        (0.3, signal.SIGINT, True),
        (2.0, signal.SIGTERM, True),
        (6.0, signal.SIGTERM, False),
        (14.0, signal.SIGTERM, True),
    ],
)
def test_a_whole_installation(delay: float, number: signal.Signals, group: bool, tmp_path: Path) -> None:
    with whole_installation(tmp_path) as found:
        found.wait_for_its_first_line()
        time.sleep(delay)
        found.end(number, group=group)
    assert not (PostgresServer(tmp_path / "var").data / "postmaster.pid").exists()


def test_a_whole_installation_whose_supervisor_and_guard_are_killed(tmp_path: Path) -> None:
    with whole_installation(tmp_path) as found:
        until(lambda: "HuleEdu is ready" in found.text, 180)
        everything = found.living()
        guards = [pid for pid in children(found.process.pid) if is_guard(str(pid))]
        assert guards
        assert len(everything) > 13
        for pid in (*guards, found.process.pid):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, everything)), 10)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("delay", [0.5, 3.0, 8.0])
def test_a_command_with_throwaway_servers(delay: float, number: signal.Signals, tmp_path: Path) -> None:
    command = ["-m", "huleedu.embedded", "--", sys.executable, "-c", "import time; time.sleep(60)"]
    with started(command, {}, tmp_path, DATABASE_URL="", REDIS_URL="") as found:
        found.wait_for_its_first_line()
        time.sleep(delay)
        found.end(number, group=False)
    assert found.process.returncode in {128 + number, -number}


def test_a_guard_that_dies_takes_its_cluster_along(tmp_path: Path) -> None:
    with started(*program("steps"), tmp_path) as found:
        until(lambda: len(found.living()) >= 6)
        below = subprocess.run(
            ["ps", "--ppid", str(found.process.pid), "-o", "pid=,args="],
            capture_output=True,
            check=True,
            cwd=ROOT,
            text=True,
        ).stdout.splitlines()
        (guard,) = [int(child.split()[0]) for child in below if " -I " not in child]
        os.kill(guard, signal.SIGKILL)
        assert found.process.wait(5) == 1
        until(lambda: not found.living(), 2)
