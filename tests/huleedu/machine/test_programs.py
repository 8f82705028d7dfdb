"""Programs end with who started them, also when that is killed before it could write down what it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from huleedu.machine import programs
from tests.faults.world import alive

pytestmark = pytest.mark.live

DIES_BEFORE_IT_WRITES_DOWN = """
import os, signal, sys
from pathlib import Path
from huleedu.machine import programs
def die(path, pid, stop_signal):
    sys.stdout.write(f"{pid}\\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
programs._write_record = die
folder = Path(sys.argv[1])
programs.spawn(programs.Program("sleeper", ("sleep", "60"), dict(os.environ), folder), folder, folder)
"""


def test_what_is_not_written_down_dies_with_its_owner(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DIES_BEFORE_IT_WRITES_DOWN, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(programs.BASE_DIR)}
    ) as owner:
        assert owner.stdout is not None
        sleeper = int(owner.stdout.readline())
    assert owner.returncode == -signal.SIGKILL
    try:
        assert programs.wait_until(lambda: not alive(sleeper), 10)
    finally:
        programs.send(sleeper, signal.SIGKILL)


def test_what_has_lost_its_owner_before_it_could_be_told_never_begins(tmp_path: Path) -> None:
    command = programs.dying_with_us(["touch", str(tmp_path / "begun")], signal.SIGKILL)
    subprocess.run(["/bin/sh", "-c", '"$@"; true', "another parent", *command], check=True)
    assert not (tmp_path / "begun").exists()
    subprocess.run(command, check=True)
    assert (tmp_path / "begun").exists()


def test_a_guard_that_does_not_answer_is_done_without(tmp_path: Path) -> None:
    run, gone = tmp_path / "run", tmp_path / "gone"
    run.mkdir()
    gone.mkdir()
    guard = programs.start_guard(run, remove=gone)
    guard.process.send_signal(signal.SIGSTOP)
    guard.release()
    assert not gone.exists()
    assert not alive(guard.process.pid)
