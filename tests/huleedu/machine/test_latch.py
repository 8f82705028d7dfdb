"""The latch: programs load behind it, and go on when it opens, when its owner dies, or when there is none."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from huleedu.machine import latch
from huleedu.machine.latch import VARIABLE, Latch
from huleedu.machine.programs import BASE_DIR

WAITING = """
from huleedu.machine import latch
print('loaded', flush=True)
latch.wait()
latch.wait()
print('begun')
"""


@contextmanager
def held_back(by: Latch) -> Iterator[subprocess.Popen[str]]:
    """A program that has loaded."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        env={**os.environ, **by.environment},
        pass_fds=by.descriptors,
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "loaded\n"
            yield process
        finally:
            process.kill()


def begun(process: subprocess.Popen[str], seconds: float) -> bool:
    """Whether the program goes on within ``seconds``, and ends well."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    assert process.stdout is not None
    return process.stdout.read() == "begun\n" and process.returncode == 0


def test_a_program_waits_until_the_latch_opens() -> None:
    closed = Latch()
    with held_back(closed) as one, held_back(closed) as two:
        time.sleep(0.2)
        assert one.poll() is two.poll() is None
        closed.open()
        assert begun(one, 10) and begun(two, 10)


def test_a_program_that_comes_later_does_not_wait() -> None:
    opened = Latch()
    opened.open()
    assert opened.descriptors == ()
    with held_back(opened) as process:
        assert begun(process, 10)


def test_the_end_of_the_owner_lets_go() -> None:
    owner = (
        "import os, subprocess, sys; from huleedu.machine.latch import Latch; closed = Latch();"
        f"subprocess.Popen([sys.executable, '-c', {WAITING!r}], pass_fds=closed.descriptors,"
        " env={**os.environ, **closed.environment}); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", owner], cwd=BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loaded\n"
        process.kill()
        assert process.stdout.read() == "begun\n"


def test_a_descriptor_that_is_not_there_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "999999")
    latch.wait()
    assert VARIABLE not in os.environ
