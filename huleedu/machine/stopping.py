"""Being asked to end: SIGTERM and SIGINT as something to wait for, beside sockets and other processes.

A handler only notes the wish; who waits is woken by a descriptor, so nobody looks again and again whether it
shall stop. What has not ended in time is ended by the kernel's alarm, whatever it hangs on.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)
HARD_SECONDS = 8.0  # after the first signal; a process that ends in order needs less


class Stop:
    """Set once, never cleared; its descriptor can be waited for beside sockets and processes.

    It belongs to the process that made it: a forked child makes its own.
    """

    def __init__(self) -> None:
        self._set = False
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def __del__(self) -> None:
        os.close(self._event)

    def fileno(self) -> int:
        """A descriptor that is readable from ``set`` on."""
        return self._event

    def set(self) -> None:
        """Ask to stop; in signal handlers, too."""
        self._set = True
        os.eventfd_write(self._event, 1)

    def is_set(self) -> bool:
        """Whether somebody asked."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most ``seconds``; whether it is."""
        return self._set or readable(seconds, self._event)


def readable(seconds: float, *descriptors: int) -> bool:
    """Whether one of ``descriptors`` has something to read, or has ended, within ``seconds``."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def on_signals(ask: Callable[[], None]) -> None:
    """Call ``ask`` at each SIGTERM and SIGINT, in the main thread."""
    for number in SIGNALS:
        signal.signal(number, lambda _number, _frame: ask())


def stop_on_signals() -> Stop:
    """A stop that SIGTERM and SIGINT set; the process lives at most ``HARD_SECONDS`` longer."""
    stop = Stop()

    def ask() -> None:
        if not stop.is_set():
            end_within(HARD_SECONDS)
        stop.set()

    on_signals(ask)
    return stop


def end_within(seconds: float) -> None:
    """Have the kernel end this process with SIGALRM unless it has ended before."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def on_alarm(seconds: float, act: Callable[[], None]) -> None:
    """Call ``act`` in the main thread after ``seconds``, whatever it is doing then."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: act())
    signal.setitimer(signal.ITIMER_REAL, seconds)


def end_at_once() -> None:
    """Let SIGTERM and SIGINT end this process where it stands."""
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
