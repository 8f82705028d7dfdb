"""Programs of the small installation as processes of this machine: start, recognise, stop and sweep them.

Each program gets its own session and a record ``<run>/<name>.pid`` (first line the process id, then what
tells it from a later process with the same number), so that a later start ends leftovers and nothing else.
A guard process holds a pipe to its owner; when the owner dies, even by ``kill -9``, it ends what is left.
The parent-death signal of Linux reaches direct children only, not the workers below them; it is for the
moment before a program is recorded, and for an owner that dies together with its guard.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from files.steps.confinement import hide_memory

BASE_DIR = Path(__file__).resolve().parent.parent.parent
MODULE = "huleedu.machine.programs"  # by this name guards are started, and found among all processes
GUARDING = f"\0{MODULE}\0".encode()
UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'
LOCK_NAME = "supervisor.lock"
SWEEP_SECONDS = 3.0
OWNER_EXIT_SECONDS = 2.0
GUARD_SECONDS = 1.0  # for a guard that is released; its owner does then what it did not
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")  # in a second, as /proc counts
SETPRIV = "/usr/bin/setpriv"  # of util-linux


@dataclass(frozen=True)
class Account:
    """The operating-system user a program runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """One program to run: ``environment`` is complete, nothing is inherited."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = BASE_DIR
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    descriptors: tuple[int, ...] = ()  # of ours, that it finds open


@dataclass(frozen=True)
class ProcessFacts:
    """What /proc tells of a living process; ``started`` is in clock ticks since boot."""

    pid: int
    name: str
    session: int
    started: int


@dataclass(frozen=True)
class Record:
    """A started program as written in the run folder, to be recognised by a later process."""

    pid: int
    started: int
    boot: str
    stop_signal: int

    def leader(self) -> ProcessFacts | None:
        """The recorded process itself while it lives."""
        facts = process_facts(self.pid)
        return facts if facts and facts.started == self.started and self.boot == boot_id() else None

    def members(self) -> list[int]:
        """Process ids living in the recorded session; empty when the number now belongs to someone else."""
        if self.boot != boot_id():
            return []
        facts = process_facts(self.pid)
        if facts and facts.started != self.started:
            return []
        return [each.pid for each in processes() if each.session == self.pid and each.started >= self.started]


def boot_id() -> str:
    """A value that changes with every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def process_facts(pid: int) -> ProcessFacts | None:
    """Facts of a living process; None when it is gone or only waits to be collected by its parent."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    if fields[0] in "ZX":
        return None
    return ProcessFacts(pid, name, session=int(fields[3]), started=int(fields[19]))


def processes() -> Iterator[ProcessFacts]:
    """Every living process that this user may see."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (facts := process_facts(int(entry.name))):
            yield facts


def processes_inside(folder: Path, name: str) -> list[int]:
    """Ids of the processes called ``name`` whose working folder is ``folder`` (as servers' are)."""
    found = []
    for facts in processes():
        with suppress(OSError):
            if facts.name == name and Path(f"/proc/{facts.pid}/cwd").readlink() == folder:
                found.append(facts.pid)
    return found


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Whether ``condition`` came true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def send(pid: int, number: int) -> None:
    """Signal a process; one that is already gone is no error."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@lru_cache
def _can_die_with_us() -> bool:
    """Whether this system has a setpriv that knows the parent-death signal; busybox's does not."""
    try:
        return not subprocess.run(  # noqa: S603
            [SETPRIV, "--pdeathsig", "keep", "true"], check=False, capture_output=True, cwd="/"
        ).returncode
    except OSError:
        return False


def dying_with_us(command: Sequence[str], number: signal.Signals) -> list[str]:
    """``command``, to which the kernel sends ``number`` when the thread that starts it is gone.

    Only this process may start it: the kernel tells nothing of an owner that was gone before it was asked to,
    so a command that has another parent by then ends without having begun.
    """
    if not _can_die_with_us():
        return list(command)
    asked = [SETPRIV, "--pdeathsig", number.name.removeprefix("SIG")]
    return [*asked, "/bin/sh", "-c", UNLESS_ORPHANED, str(os.getpid()), *command]


def spawn(program: Program, logs: Path, run: Path) -> subprocess.Popen[bytes]:
    """Start ``program`` in its own session, output appended to ``logs/<name>.log``, and record it."""
    account = program.account
    log = os.open(logs / f"{program.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603
            dying_with_us(program.command, program.stop_signal),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.folder,
            env=dict(program.environment),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=program.descriptors,
        )
    finally:
        os.close(log)
    _write_record(run / f"{program.name}.pid", process.pid, program.stop_signal)
    return process


def _write_record(path: Path, pid: int, stop_signal: int) -> None:
    facts = process_facts(pid)
    lines = [pid, facts.started if facts else 0, boot_id(), int(stop_signal)]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(f"{line}\n" for line in lines))
    partial.replace(path)


def read_record(path: Path) -> Record | None:
    """The record in ``path``; None when it is missing or unreadable."""
    try:
        pid, started, boot, stop_signal = path.read_text().split()
        return Record(int(pid), int(started), boot, int(stop_signal))
    except (FileNotFoundError, ValueError):
        return None


def kill_session(run: Path, name: str) -> None:
    """Kill at once whatever still lives in the session recorded under ``name``, and forget the record."""
    path = run / f"{name}.pid"
    if record := read_record(path):
        for pid in record.members():
            send(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)


def stop(process: subprocess.Popen[bytes], program: Program, run: Path, seconds: float = 5.0) -> None:
    """Ask the program's first process to stop, kill its whole session after ``seconds``."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
    finish(process, program, run, seconds)


def finish(process: subprocess.Popen[bytes], program: Program, run: Path, seconds: float) -> None:
    """Wait ``seconds`` for a program that was asked to stop, then kill what remains of its session."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    kill_session(run, program.name)
    process.kill()
    process.wait()


def sweep(run: Path, seconds: float = SWEEP_SECONDS) -> int:
    """End every recorded program that still lives, after ``seconds`` by force. Returns how many did."""
    paths = sorted(run.glob("*.pid"))
    records = [record for path in paths if (record := read_record(path))]
    living = [record for record in records if record.members()]
    for record in living:
        if record.leader():
            send(record.pid, record.stop_signal)
    wait_until(lambda: not any(record.leader() for record in living), seconds)
    for record in living:
        for pid in record.members():
            send(pid, signal.SIGKILL)
    wait_until(lambda: not any(record.members() for record in living), seconds)
    for path in paths:
        path.unlink(missing_ok=True)
    return len(living)


def try_lock(run: Path) -> int | None:
    """Take the lock of a run folder; the open descriptor holds it. None when another process has it."""
    descriptor = os.open(run / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def has_guard(run: Path) -> bool:
    """Whether a guard of ``run`` is there."""
    wanted = GUARDING + os.fsencode(run) + b"\0"
    for each in processes():
        with suppress(OSError):
            if wanted in Path(f"/proc/{each.pid}/cmdline").read_bytes():
                return True
    return False


def is_guard(pid: str) -> bool:
    """Whether ``pid`` is a guard that clears up, or is gone already."""
    try:
        return GUARDING in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


@dataclass(frozen=True)
class Guard:
    """A process that acts when its owner ends: it ends what is left in ``run`` and deletes ``remove``."""

    process: "subprocess.Popen[bytes]"
    run: Path
    remove: Path | None

    def release(self) -> None:
        """Let the guard do its work now and wait for it; one that is stopped or too slow is done without."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            clear_up(self.run, self.remove)


def start_guard(run: Path, *, remove: Path | None = None) -> Guard:
    """Start the guard of ``run``; it acts when this process ends or releases it.

    ``remove`` names a throwaway folder to delete afterwards.
    """
    command = [sys.executable, "-m", MODULE, str(run), *([str(remove)] if remove else [])]
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, cwd=BASE_DIR, start_new_session=True
    )
    return Guard(process, run, remove)


def clear_up(run: Path, remove: Path | None) -> None:
    """End what is left in ``run``, unless somebody has its lock, and delete ``remove``."""
    # The kernel may close the owner's pipe before its lock. If the lock stays away, a new owner is already
    # there: it sweeps for itself, and its programs are not ours.
    if run.is_dir() and wait_until(lambda: try_lock(run) is not None, OWNER_EXIT_SECONDS):
        sweep(run)
    if remove:
        shutil.rmtree(remove, ignore_errors=True)


def _guard(run: Path, remove: Path | None) -> None:
    hide_memory()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    clear_up(run, remove)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
