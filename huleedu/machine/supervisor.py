"""Keeps the small installation running: starts programs in order, restarts the dead and the hung, stops all.

A death or a program that hangs wakes the supervisor at once; otherwise it only cuts long logs now and then.
Health checks run in threads of their own, so a slow one delays nothing.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from huleedu.machine import log_files, programs
from huleedu.machine.latch import Latch
from huleedu.machine.places import InstallationError
from huleedu.machine.programs import Program

HEALTH_SECONDS = 4.0  # between two checks
FAILURES = 3  # in a row, before a program counts as hung
GRACE_SECONDS = 30.0  # after a start, before health counts; twice that after each start that was too slow
LONGEST_GRACE = 16  # times
RESTART_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)  # seconds, by the number of quick deaths in a row
UNFIT_PAUSE = 30.0  # after a program that said it does not fit: starting it again does not help by itself
SETTLED_SECONDS = 5.0  # a program that lived longer is restarted without a pause
TICK_SECONDS = 10.0
READY_SECONDS = 180.0  # on a machine that is busy; what ends while it starts is noticed at once
APPLICATION_STOP_SECONDS = 7.0  # after a signal; what the programs allow themselves is less
STOP_SECONDS = 8.5  # for everything: what stands on the others' foundations first, then those
LOG_BYTES = 10 * 1024 * 1024
ROTATION_SECONDS = 10.0
TAIL_BYTES = 3000


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Child:
    """One program to keep running.

    ``prepare`` runs before every start and returns what to run; ``ready`` tells when the start is done;
    ``health`` is asked every few seconds from another thread and must answer within a few seconds.
    """

    name: str
    prepare: Callable[[], Program]
    ready: Callable[[], bool] = _always
    health: Callable[[], bool] | None = None
    foundation: bool = False  # others stand on it: it stops when they have


@dataclass
class _Running:
    child: Child
    program: Program
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    quick_deaths: int = 0
    restart_at: float | None = None
    failures: int = 0
    healthy_once: bool = False
    slow_starts: int = 0
    starting: bool = True

    def may_be_starting(self) -> bool:
        """Whether it has not answered yet, and still has time for that."""
        grace = GRACE_SECONDS * min(2**self.slow_starts, LONGEST_GRACE)
        return not self.healthy_once and time.monotonic() - self.started < grace


class StopRequested(Exception):
    """Somebody asked the supervisor to stop while it was starting."""


class Supervisor:
    """Runs children for one state folder; use it as a context manager in the main thread.

    Entering takes the folder's lock and ends what an earlier supervisor left; leaving stops all children, and
    swallows the failure of what was being started when somebody asked to stop. Raises InstallationError when
    another supervisor has the folder.
    """

    def __init__(self, var: Path, say: Callable[[str], None], log_bytes: int = LOG_BYTES) -> None:
        self.run = var / "run"
        self.logs = var / "logs"
        self.log_bytes = log_bytes
        self._say = say
        self._tiers: list[list[_Running]] = []
        self._stopping = False
        self._lock = -1
        self._next_rotation = 0.0
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()

    def __enter__(self) -> "Supervisor":
        self._lock = self._acquire()
        programs.sweep(self.run)
        self._guard = programs.start_guard(self.run)
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(signal.SIGHUP, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        asked = self._stopping
        self.stop()
        os.close(self._lock)  # before the guard, which takes it
        self._guard.release()
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake.close()
        self._woken.close()
        return asked and isinstance(error, InstallationError)

    def _acquire(self) -> int:
        deadline = time.monotonic() + 3 * programs.SWEEP_SECONDS
        while (lock := programs.try_lock(self.run)) is None:
            holder = (self.run / programs.LOCK_NAME).read_text()
            # A guard holds the lock for a moment while it clears up after a killed supervisor.
            if programs.is_guard(holder) and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            raise InstallationError(
                f"HuleEdu already runs with the folder {self.run.parent} (process {holder}). "
                "Stop that one first, or choose another folder with HULEEDU_VAR."
            )
        return lock

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def start(self, *children: Child) -> None:
        """Start ``children`` together and return when all are ready.

        Raises InstallationError when one ends or is not ready in time, StopRequested when asked to stop.
        """
        self.launch(*children)
        self.wait_for(*children)

    def launch(self, *children: Child) -> None:
        """Start ``children``; until they are waited for, nobody looks after them.

        Raises InstallationError when one cannot be started.
        """
        tier: list[_Running] = []
        self._tiers.append(tier)
        for child in children:
            program = child.prepare()
            tier.append(_Running(child, program, programs.spawn(program, self.logs, self.run)))

    def wait_for(self, *children: Child) -> None:
        """Return when all of ``children``, which were launched, are ready, and look after them from then on.

        Raises InstallationError when one ends or is not ready in time, StopRequested when asked to stop.
        """
        tier = self._those(children)
        waiting = tier
        deadline = time.monotonic() + READY_SECONDS
        while waiting := [running for running in waiting if not running.child.ready()]:
            for running in waiting:
                if running.process.poll() is not None:
                    raise InstallationError(
                        f"{running.child.name} ended while starting.\n{self._tail(running)}"
                    )
                if time.monotonic() > deadline:
                    raise InstallationError(f"{running.child.name} does not answer.\n{self._tail(running)}")
            self.keep_running(0.05)
        for running in tier:
            running.starting = False
            self._watch_health(running)

    def withdraw(self, *children: Child) -> None:
        """End ``children``, which were launched and have not begun, at once; they may be launched again."""
        for running in self._those(children):
            programs.kill_session(self.run, running.child.name)
            running.process.kill()
            running.process.wait()
        self._tiers = [[each for each in tier if each.child not in children] for tier in self._tiers]

    def run_once(self, program: Program) -> None:
        """Run ``program`` to its end while the children are kept running.

        Raises InstallationError when it fails, StopRequested when asked to stop.
        """
        log = self.logs / f"{program.name}.log"
        former = log.stat().st_size if log.exists() else 0
        process = programs.spawn(program, self.logs, self.run)
        try:
            while process.poll() is None:
                self.keep_running(TICK_SECONDS)
        finally:
            programs.stop(process, program, self.run)
        if process.returncode:
            raise InstallationError(f"{program.name} failed.\n{_tail(log, former)}")

    def watch(self) -> None:
        """Keep everything running until somebody asks to stop (SIGINT, SIGTERM, SIGHUP)."""
        with suppress(StopRequested):
            while True:
                self.keep_running(TICK_SECONDS)

    def keep_running(self, seconds: float) -> None:
        """Wait for a death, a signal or ``seconds``; then restart what needs it. Raises StopRequested."""
        if self._stopping:
            raise StopRequested
        due = [each.restart_at - time.monotonic() for each in self._all() if each.restart_at is not None]
        if self._selector.select(max(0.0, min([seconds, *due]))):
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        for running in self._all():
            if not running.starting:
                self._look_after(running)
        if time.monotonic() >= self._next_rotation:
            self._next_rotation = time.monotonic() + ROTATION_SECONDS
            log_files.rotate(self.logs, self.log_bytes, self._reopened())
        if self._guard.process.poll() is not None:
            self._guard.release()
            self._guard = programs.start_guard(self.run)

    def _all(self) -> list[_Running]:
        return [running for tier in self._tiers for running in tier]

    def _reopened(self) -> set[str]:
        """The programs that open their log anew when it was renamed."""
        return {each.child.name for each in self._all() if log_files.VARIABLE in each.program.environment}

    def _those(self, children: Collection[Child]) -> list[_Running]:
        return [running for running in self._all() if running.child in children]

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.restart_at is not None:
            if now >= running.restart_at:
                self._restart(running)
        elif running.process.poll() is not None:
            self._say(
                f"{running.child.name} ended ({_reason(running.process.returncode)}); starting it again."
            )
            if running.process.returncode > 0:
                self._say(self._tail(running))
            self._plan_restart(running, now)
        elif running.failures >= FAILURES:
            self._say(f"{running.child.name} does not answer; starting it again.")
            running.slow_starts = 0 if running.healthy_once else running.slow_starts + 1
            self._plan_restart(running, now)

    def _plan_restart(self, running: _Running, now: float) -> None:
        """Clear away the rest of the program's processes and set the time of its next start."""
        programs.kill_session(self.run, running.child.name)
        running.process.kill()
        running.process.wait()
        running.quick_deaths = running.quick_deaths + 1 if now - running.started < SETTLED_SECONDS else 0
        pause = RESTART_PAUSES[min(running.quick_deaths, len(RESTART_PAUSES) - 1)]
        running.restart_at = now + (UNFIT_PAUSE if running.process.returncode == os.EX_CONFIG else pause)

    def _restart(self, running: _Running) -> None:
        try:
            running.program = running.child.prepare()
            running.process = programs.spawn(running.program, self.logs, self.run)
        except (InstallationError, OSError, subprocess.SubprocessError) as error:
            # A full disk or process table may pass: the installation goes on trying.
            self._say(f"{running.child.name} could not be started: {error}")
            running.restart_at = time.monotonic() + RESTART_PAUSES[-1]
            return
        running.started = time.monotonic()
        running.failures = 0
        running.healthy_once = False
        running.restart_at = None

    def _watch_health(self, running: _Running) -> None:
        if running.child.health:
            arguments = (running, running.child.health)
            threading.Thread(target=self._check_health, args=arguments, daemon=True).start()

    def _check_health(self, running: _Running, health: Callable[[], bool]) -> None:
        while not self._stopping:
            time.sleep(HEALTH_SECONDS)
            process = running.process
            healthy = health()
            if running.process is not process or running.restart_at is not None:
                continue
            running.healthy_once = running.healthy_once or healthy
            running.failures = 0 if healthy or running.may_be_starting() else running.failures + 1
            if running.failures >= FAILURES:
                self._wake_up()

    def _wake_up(self) -> None:
        with suppress(OSError):  # it is awake, or gone
            self._wake.send(b"\0")

    def _tail(self, running: _Running) -> str:
        return _tail(self.logs / f"{running.child.name}.log")

    def stop(self) -> None:
        """Stop all children, foundations last, each politely and then by force."""
        self._stopping = True
        began = time.monotonic()
        for foundation, seconds in ((False, APPLICATION_STOP_SECONDS), (True, STOP_SECONDS)):
            some = [running for running in self._all() if running.child.foundation is foundation]
            for running in some:
                if running.process.poll() is None:
                    running.process.send_signal(running.program.stop_signal)
            for running in some:
                remaining = max(0.0, began + seconds - time.monotonic())
                programs.finish(running.process, running.program, self.run, remaining)
        self._tiers.clear()


def _tail(log: Path, former: int = 0) -> str:
    """The last lines of a log, without the ``former`` bytes of earlier runs, and where the rest is."""
    text = log.read_bytes()[former:][-TAIL_BYTES:].decode(errors="replace") if log.exists() else ""
    return "\n".join([*(f"  | {line}" for line in text.splitlines()[-15:]), f"  More in {log}"])


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def log_of(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that tells a program which file to log to, where there is a state folder."""
    var = environment.get("HULEEDU_VAR")
    return {log_files.VARIABLE: str(Path(var) / "logs" / f"{name}.log")} if var else {}


def python_program(
    name: str, arguments: list[str], environment: Mapping[str, str], latch: Latch | None = None
) -> Program:
    """A program of this project, run by this interpreter; its name is told to it as ``HULEEDU_PROCESS``.

    Behind a ``latch`` it loads, but begins only when that is open.
    """
    held = latch.environment if latch else {}
    log = log_of(name, environment)
    own = {**environment, **held, **log, "HULEEDU_PROCESS": name}
    return Program(name, (sys.executable, *arguments), own, descriptors=latch.descriptors if latch else ())
