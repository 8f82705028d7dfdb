"""What a harness starts ends with it, however it ends: ``kill -9`` of it alone included.

``guard()`` marks the environment of this process, which all that it starts inherits, and starts a process
beside it that waits for its end. That one ends whatever still bears the mark, and what that has started, and
deletes the folders that were lent with ``folder()``. What is forked and runs no program bears no mark.
"""

import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from huleedu.machine.programs import is_guard, processes, send, wait_until

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "TESTS_GUARD"
ASKED_SECONDS = 8.0  # after SIGTERM; an installation stops within seven
KILLED_SECONDS = 15.0  # for guards of installations, which clear up when their owners are gone
_pipes: "list[subprocess.Popen[bytes]]" = []


def guard() -> None:
    """Have everything that this process starts from now on end with it; once is enough."""
    if _pipes:
        return
    mark = secrets.token_hex(8)
    command = [sys.executable, "-m", "tests.guard", str(os.getpid()), mark]
    beside = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _pipes.append(beside)
    # A harness may be started by another: what it starts then bears both marks.
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {mark}".strip()


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A folder under the temporary one, gone afterwards in every case."""
    guard()
    (beside,) = _pipes
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        assert beside.stdin is not None
        beside.stdin.write(f"{name}\n".encode())
        beside.stdin.flush()
        yield Path(name)


def marked(mark: str) -> set[int]:
    """Living processes that bear ``mark``, and all that they have started; not this one."""
    needle = f"{VARIABLE}=".encode()
    parents: dict[int, int] = {}
    found: set[int] = set()
    for facts in processes():
        with suppress(OSError, ValueError):
            place = Path(f"/proc/{facts.pid}")
            parents[facts.pid] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            for line in (place / "environ").read_bytes().split(b"\0"):
                if line.startswith(needle) and mark.encode() in line:
                    found.add(facts.pid)
    todo = set(found)
    while todo:
        todo = {pid for pid, parent in parents.items() if parent in todo} - found
        found |= todo
    return found - {os.getpid()}


def end_all(mark: str) -> None:
    """End all that bears ``mark``: asked first, then by force, guards of installations last."""
    for pid in bearers(mark):
        send_if_mine(pid, signal.SIGTERM)
    wait_until(lambda: not bearers(mark), ASKED_SECONDS, 0.1)

    def killed() -> bool:
        for pid in bearers(mark):
            send_if_mine(pid, signal.SIGKILL)
        return not marked(mark)

    wait_until(killed, KILLED_SECONDS, 0.1)
    for pid in marked(mark):
        send_if_mine(pid, signal.SIGKILL)


def bearers(mark: str) -> list[int]:
    """Those of ``marked`` that do not end by themselves when their owners do."""
    return [pid for pid in marked(mark) if not is_guard(str(pid))]


def send_if_mine(pid: int, number: int) -> None:
    """Signal a process, unless it belongs to somebody else or is gone."""
    with suppress(PermissionError):
        send(pid, number)


def main(owner: int, mark: str) -> None:
    """Wait for the owner's end, keep the folders' names meanwhile, then clear up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = told_by(owner)
    end_all(mark)
    for name in told.splitlines():
        shutil.rmtree(name, ignore_errors=True)


def told_by(owner: int) -> str:
    """What the owner has written when it has ended; what it has forked may hold its pipe open for longer."""
    os.set_blocking(0, False)
    told, pipe, watched = b"", [0], []
    with suppress(ProcessLookupError):
        watched = [os.pidfd_open(owner)]
    while ready := select.select([*pipe, *watched], [], [], None if watched else 0)[0]:
        if 0 not in ready:
            break
        piece = os.read(0, 65536)
        told += piece
        pipe = pipe if piece else []
    return told.decode()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
