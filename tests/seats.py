"""Other workers, as processes of their own that sit on a seat and do nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from huleedu.work.seats import SEATS


def sit_down(kind: str, seats: int) -> tuple[int, bool]:
    """A forked process that tries to take a seat and then waits; its id and whether it has one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        place = SEATS.take(kind, seats)
        os.write(writing, b"1" if place is not None else b"0")
        signal.pause()
        os._exit(0)
    answer = os.read(reading, 1)
    os.close(reading)
    os.close(writing)
    return child, answer == b"1"


def choose_for_ever() -> int:
    """A forked process that chooses and does not come to an end; its id."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        SEATS.choose()
        os.write(writing, b"1")
        signal.pause()
        os._exit(0)
    os.read(reading, 1)
    os.close(reading)
    os.close(writing)
    return child


def kill(child: int) -> None:
    """End the process at once."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@contextmanager
def all_taken(kind: str, seats: int) -> Iterator[None]:
    """All ``seats`` of ``kind`` are other workers' while the block runs."""
    children: list[int] = []
    try:
        for _ in range(seats):
            child, seated = sit_down(kind, seats)
            children.append(child)
            assert seated
        yield
    finally:
        for child in children:
            kill(child)
