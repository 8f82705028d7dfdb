"""Being asked to end: SIGTERM and SIGINT as something to wait for, beside sockets and other processes.

A handler only notes the wish; who waits is woken by a descriptor, so nobody looks again and again whether it
shall stop. The descriptor is written to as the signal comes: Python runs a handler only between two of its
instructions, and a wait that begins just then would never be told. What has not ended in time is ended by the
kernel's alarm, whatever it hangs on.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGTERM, signal.SIGINT)
HARD_SECONDS = 8.0  # after the first signal; a process that ends in order needs less
AGAIN_SECONDS = 0.5  # until an alarm that nobody heard rings once more


class Stop:
    """Set once, never cleared; its descriptor can be waited for beside sockets and processes.

    It belongs to the process that made it: a forked child makes its own.
    """

    def __init__(self) -> None:
        self._set = False
        self._asked, self._ask = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __del__(self) -> None:
        os.close(self._asked)
        os.close(self._ask)

    def fileno(self) -> int:
        """A descriptor that is readable from ``set`` on, and as a signal comes that has a handler."""
        return self._asked

    def set(self) -> None:
        """Ask to stop; in signal handlers, too."""
        self._set = True
        self._write()

    def is_set(self) -> bool:
        """Whether somebody asked; where a signal meant something else, nobody is woken by it any more."""
        before = self._set
        if not before:
            with suppress(BlockingIOError):
                os.read(self._asked, 64)
        if self._set and not before:  # what has just been read was the wish
            self._write()
        return self._set

    def hear_signals(self) -> None:
        """Have every signal with a handler make the descriptor readable as it comes. Main thread only."""
        signal.set_wakeup_fd(self._ask, warn_on_full_buffer=False)

    def _write(self) -> None:
        with suppress(BlockingIOError):  # full, so readable
            os.write(self._ask, b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most ``seconds``; whether it is."""
        if not self.is_set():
            readable(seconds, self._asked)
        return self.is_set()


def readable(seconds: float, *descriptors: int) -> bool:
    """Whether one of ``descriptors`` has something to read, or has ended, within ``seconds``."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def on_signals(stop: Stop, ask: Callable[[], None]) -> None:
    """Call ``ask`` at each SIGTERM and SIGINT, in the main thread, and wake whoever waits for ``stop``."""
    stop.hear_signals()
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: ask())


def stop_on_signals() -> Stop:
    """A stop that SIGTERM and SIGINT set; the process lives at most ``HARD_SECONDS`` longer."""
    stop = Stop()

    def ask() -> None:
        if not stop.is_set():
            end_within(HARD_SECONDS)
        stop.set()

    on_signals(stop, ask)
    return stop


def end_within(seconds: float) -> None:
    """Have the kernel end this process with SIGALRM unless it has ended before."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def on_alarm(seconds: float, act: Callable[[], None]) -> None:
    """Call ``act`` in the main thread after ``seconds``, whatever it does then; again until ``no_alarm``."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: act())
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)


def no_alarm() -> None:
    """Have nothing more come of an alarm."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def end_at_once() -> None:
    """Let SIGTERM and SIGINT end this process where it stands."""
    signal.set_wakeup_fd(-1)  # its maker's
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def held_back() -> Iterator[None]:
    """Let signals wait while a process is forked: a child has its own handlers before any reaches it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_through() -> None:
    """In a forked child whose handlers are there: take the signals that waited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
