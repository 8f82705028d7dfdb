"""What a harness starts ends with it, and its folder is gone, however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from huleedu.machine.programs import processes, send, wait_until
from tests import prepared
from tests.installation import ROOT

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
HARNESS = """
import os, subprocess, sys, time
from tests import guard
with guard.folder("harness-") as folder:
    (folder / "state").mkdir()
    subprocess.Popen(["sleep", "300"])
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    subprocess.run(["sh", "-c", "sleep 300 & sleep 300 &"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "trap '' TERM INT; sleep 300; sleep 300"], start_new_session=True)
    stopped = subprocess.Popen(["sleep", "300"])
    os.kill(stopped.pid, 19)
    print("ready", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """The temporary folder of one harness, by which also everything is known that it has started."""
    found = Path(tempfile.mkdtemp(prefix="ends-"))
    found.chmod(0o711)
    try:
        yield found
    finally:
        for pid in living(found):
            send(pid, signal.SIGKILL)
        shutil.rmtree(found, ignore_errors=True)


def living(place: Path) -> list[int]:
    """Processes whose environment or command tells of ``place``."""
    found = []
    for facts in processes():
        for name in ("environ", "cmdline"):
            with suppress(OSError):
                if str(place).encode() in Path(f"/proc/{facts.pid}/{name}").read_bytes():
                    found.append(facts.pid)
                    break
    return found


def started(place: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    environment.pop(prepared.VARIABLE, None)  # it is a run of its own
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def insist_on_nothing_left(place: Path) -> None:
    assert wait_until(lambda: not living(place), 60, 0.1), living(place)
    assert wait_until(lambda: not list(place.iterdir()), 10, 0.1), list(place.iterdir())


@pytest.mark.parametrize("number", ENDS)
def test_every_kind_of_child_ends_with_its_harness(place: Path, number: int) -> None:
    with started(place, "-c", HARNESS) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"ready\n"
        assert len(living(place)) > 6
        harness.send_signal(number)
        harness.wait(30)
        insist_on_nothing_left(place)


def test_a_harness_that_ends_by_itself_leaves_nothing(place: Path) -> None:
    ending = HARNESS.replace("time.sleep(300)", "sys.exit(3)")
    with started(place, "-c", ending) as harness:
        insist_on_nothing_left(place)
        assert harness.wait(30) == 3


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("tests.faults.fuzz", "--minutes", "5"), signal.SIGKILL),
        (("tests.faults.chaos", "--minutes", "5"), signal.SIGTERM),
        (("tests.benchmarks", "--quick", "intake"), signal.SIGKILL),
    ],
)
def test_an_installation_ends_with_its_harness(place: Path, arguments: tuple[str, ...], number: int) -> None:
    with started(place, "-m", *arguments) as harness:
        assert wait_until(lambda: len(living(place)) > 9, 120, 0.1), living(place)
        harness.send_signal(number)
        harness.wait(60)
        insist_on_nothing_left(place)
