"""System calls of a running process: written down, or made to fail, by strace."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import wait_until

LINE = re.compile(r"^(\d+) +(.*)$")
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>")


@contextmanager
def traced(pid: int, *options: str) -> Iterator[Path]:
    """Follow a process and its threads with ``options`` of strace, and give the log; skips without strace."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = Path(tempfile.mkdtemp(prefix="huleedu-trace-")) / "log"
    command = ["strace", "-f", "-y", "-s", "300", "-o", str(log), *options, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
        try:
            wait_until(lambda: tracing.poll() is not None or tracer_of(pid), 10, "strace is attached")
            if tracing.poll() is not None:
                assert tracing.stderr is not None
                pytest.skip(f"strace may not attach: {tracing.stderr.read().strip()}")
            yield log
        finally:
            tracing.terminate()
            tracing.wait(10)
            shutil.rmtree(log.parent)


def tracer_of(pid: int) -> int:
    """The process that traces every thread of ``pid``; 0 while one is not traced."""
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return min(int(text.split("TracerPid:")[1].split()[0]) for text in texts)


def lines(log: Path) -> list[tuple[str, str]]:
    """(thread, text) of every line."""
    found = (LINE.match(line) for line in log.read_text(errors="replace").splitlines())
    return [(match[1], match[2]) for match in found if match]


def steps(log: Path) -> list[tuple[str, str]]:
    """("begins" or "ended", call with its arguments) in the order of time; a call that waits has two."""
    waiting: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for thread, text in lines(log):
        if text.endswith("<unfinished ...>"):
            waiting[thread] = text
            found.append(("begins", text))
        elif RESUMED.match(text):
            found.append(("ended", waiting.pop(thread, "") + text))
        else:
            found += [("begins", text), ("ended", text)]
    return found
