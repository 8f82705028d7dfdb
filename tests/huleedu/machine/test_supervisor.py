"""The supervisor: restarts what died or hangs, stops everything, leaves nothing when it is killed itself."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from huleedu.embedded import PostgresServer
from huleedu.machine import programs
from tests.faults.world import children

pytestmark = pytest.mark.live

# Real servers and one stand-in: it forks a worker, and beats until the file "hang" appears.
STAND_IN = """
import os, sys, time
from pathlib import Path
var = Path(sys.argv[1])
if "fail" in os.listdir(var): sys.exit("cannot work")
if (var / "slow").exists(): time.sleep(3)
worker = os.fork()
while True:
    if (var / "unfit").exists(): sys.exit(os.EX_CONFIG)
    if worker and not (var / "hang").exists():
        (var / "run" / "work.heartbeat").touch()
    time.sleep(0.05)
"""
SUPERVISED = """
import os, sys, time
from pathlib import Path
from huleedu import run
from huleedu.machine import places, supervisor
from huleedu.embedded import PostgresServer, ValkeyServer
supervisor.HEALTH_SECONDS = 0.2
supervisor.GRACE_SECONDS = 1.0
var, stand_in = Path(sys.argv[1]), sys.argv[2]
places.make_state_folder(var, places.service_account())
beat = var / "run" / "work.heartbeat"
def prepare():
    return supervisor.python_program("work", ["-c", stand_in, str(var)], os.environ)
try:
    with supervisor.Supervisor(var, run.say) as running:
        running.start(run.server_child("postgres", PostgresServer(var)),
                      run.server_child("valkey", ValkeyServer(var)))
        running.start(supervisor.Child("work", prepare, ready=beat.exists,
                                       health=lambda: time.time() - beat.stat().st_mtime < 1.0))
        run.say("READY")
        running.watch()
except places.InstallationError as error:
    run.say(f"FAILED {error}")
"""


@dataclass
class Installation:
    """A supervisor under test and its folder."""

    var: Path
    process: subprocess.Popen[str]

    def pid(self, name: str) -> int:
        record = programs.read_record(self.var / "run" / f"{name}.pid")
        return record.pid if record else 0

    def living(self) -> list[int]:
        """Every process that has the folder in its command line, or works inside it."""
        found = []
        for facts in programs.processes():
            with suppress(OSError):
                place = Path(f"/proc/{facts.pid}")
                named = str(self.var).encode() in (place / "cmdline").read_bytes()
                if named or (place / "cwd").readlink().is_relative_to(self.var):
                    found.append(facts.pid)
        return found

    def restarted(self, name: str, old: int, seconds: float = 20) -> bool:
        return programs.wait_until(lambda: self.pid(name) not in {0, old}, seconds)

    def answers(self) -> bool:
        url = PostgresServer(self.var).url
        with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=1) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
        return False


def start(var: Path) -> Installation:
    arguments = [sys.executable, "-c", SUPERVISED, str(var), STAND_IN]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=programs.BASE_DIR)
    return Installation(var, process)


def line(installation: Installation) -> str:
    return installation.process.stdout.readline() if installation.process.stdout else ""


@contextmanager
def started(var: Path) -> Iterator[Installation]:
    installation = start(var)
    with installation.process as process:
        try:
            first = line(installation)
            assert first == "READY\n", first + (process.stdout.read() if process.stdout else "")
            yield installation
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
    assert programs.wait_until(lambda: not installation.living(), 10)


@pytest.fixture
def var() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="huleedu-test-"))
    parent.chmod(0o711)
    yield parent / "var"
    shutil.rmtree(parent)


@pytest.mark.parametrize("name", ["postgres", "valkey", "work"])
def test_a_killed_program_is_back_at_once(var: Path, name: str) -> None:
    with started(var) as installation:
        old = installation.pid(name)
        began = time.monotonic()
        os.kill(old, signal.SIGKILL)
        assert installation.restarted(name, old)
        assert time.monotonic() - began < 4, "a third of a second on a machine that is not busy"
        assert programs.wait_until(installation.answers, 5)
        assert f"{name} ended (SIGKILL)" in line(installation)


def test_workers_of_a_killed_program_do_not_outlive_it(var: Path) -> None:
    with started(var) as installation:
        record = programs.read_record(var / "run" / "work.pid")
        assert record
        workers = set(record.members()) - {record.pid}
        assert workers
        os.kill(record.pid, signal.SIGKILL)
        assert installation.restarted("work", record.pid)
        assert not any(programs.process_facts(pid) for pid in workers)


def test_a_hung_program_is_restarted(var: Path) -> None:
    with started(var) as installation:
        old = installation.pid("work")
        (var / "hang").touch()
        assert installation.restarted("work", old)
        (var / "hang").unlink()
        assert "work does not answer" in line(installation)


def test_a_program_that_starts_slowly_gets_more_time_with_each_start(var: Path) -> None:
    with started(var) as installation:
        (var / "slow").touch()  # three seconds, of which the first start is given one
        os.kill(installation.pid("work"), signal.SIGKILL)
        assert "work ended (SIGKILL)" in line(installation)
        assert "work does not answer" in line(installation)
        assert programs.wait_until(lambda: time.time() - beat(var) < 0.5, 60)
        settled = installation.pid("work")
        assert not installation.restarted("work", settled, 4)


def beat(var: Path) -> float:
    return (var / "run" / "work.heartbeat").stat().st_mtime


def test_a_program_that_does_not_fit_is_not_started_over_and_over(var: Path) -> None:
    with started(var) as installation:
        (var / "unfit").touch()
        assert f"work ended (exit code {os.EX_CONFIG})" in line(installation)
        programs.wait_until(lambda: not installation.pid("work"), 5)
        assert not installation.restarted("work", 0, 4)


def test_a_stop_ends_everything_in_time(var: Path) -> None:
    with started(var) as installation:
        began = time.monotonic()
        installation.process.send_signal(signal.SIGINT)
        assert installation.process.wait(15) == 0
        assert time.monotonic() - began < 15
        assert not installation.living()
        assert not list((var / "run").glob("*.pid"))
        assert not (PostgresServer(var).data / "postmaster.pid").exists()


def guard_of(installation: Installation) -> int:
    (guard,) = [pid for pid in children(installation.process.pid) if programs.is_guard(str(pid))]
    return guard


def test_a_stopped_guard_does_not_hold_up_the_end(var: Path) -> None:
    with started(var) as installation:
        os.kill(guard_of(installation), signal.SIGSTOP)
        installation.process.send_signal(signal.SIGTERM)
        assert installation.process.wait(10) == 0
        assert not installation.living()


def test_a_supervisor_killed_with_its_guard_leaves_no_server_running(var: Path) -> None:
    with started(var) as installation:
        servers = [installation.pid(name) for name in ("postgres", "valkey", "work")]
        for pid in (guard_of(installation), installation.process.pid):
            os.kill(pid, signal.SIGKILL)
        assert programs.wait_until(lambda: not any(map(programs.process_facts, servers)), 10)
        for pid in installation.living():  # its worker does not die with it, as ours do
            os.kill(pid, signal.SIGKILL)


def test_a_killed_supervisor_leaves_nothing_running(var: Path) -> None:
    with started(var) as installation:
        assert len(installation.living()) > 5
        installation.process.kill()
        programs.wait_until(lambda: not installation.living(), 10)
        assert [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in installation.living()] == []


def test_after_a_kill_of_everything_the_next_start_works(var: Path) -> None:
    with started(var) as installation:
        with psycopg.connect(PostgresServer(var).url, autocommit=True) as connection:
            connection.execute("CREATE TABLE mark (id int)")
        for pid in installation.living():
            programs.send(pid, signal.SIGKILL)
    with started(var), psycopg.connect(PostgresServer(var).url) as connection:
        assert connection.execute("SELECT count(*) FROM mark").fetchone() == (0,)


def test_a_start_right_after_a_killed_supervisor_takes_over(var: Path) -> None:
    with started(var) as first:
        first.process.kill()
        first.process.wait()
        with started(var) as second:
            assert second.answers()


def test_two_supervisors_never_share_a_folder(var: Path) -> None:
    with started(var) as first:
        second = start(var)
        with second.process:
            assert f"already runs with the folder {var} (process {first.process.pid})" in line(second)
        assert first.answers()


def test_two_folders_run_side_by_side(var: Path) -> None:
    with started(var) as first, started(var.parent / "other") as second:
        assert first.answers()
        assert second.answers()


def test_a_program_that_cannot_start_is_shown_and_all_is_stopped(var: Path) -> None:
    var.mkdir()
    (var / "fail").touch()
    installation = start(var)
    with installation.process as process:
        output, _ = process.communicate(timeout=30)
    assert "FAILED work ended while starting." in output
    assert "cannot work" in output
    assert not installation.living()


def test_a_record_of_a_number_used_again_kills_nobody(var: Path) -> None:
    var.mkdir()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        facts = programs.process_facts(stranger.pid)
        assert facts
        lines = f"{stranger.pid}\n{facts.started - 1}\n{programs.boot_id()}\n15\n"
        (var / "web.pid").write_text(lines)
        assert programs.sweep(var, 0.1) == 0
        assert stranger.poll() is None
        stranger.kill()
