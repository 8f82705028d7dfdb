"""Who of a cluster may do what at once: no phase takes every worker, and only one does what is slow.

A seat is a byte of a file that a cluster's processes share by fork, and whoever sits there has locked it.
A record lock ends with its process, however that ends, so no seat stays taken.
"""

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

APART = 1024  # bytes between the first seats of two kinds of work


class Seats:
    """Seats for each kind of work, shared by the processes that are forked from this one."""

    def __init__(self) -> None:
        self._file = os.memfd_create("seats")

    def take(self, kind: str, seats: int) -> int | None:
        """Take one of the ``seats`` for ``kind`` of work; its place, or None when others have them all."""
        first = zlib.crc32(kind.encode()) * APART
        return next((place for place in range(first, first + seats) if self._lock(place)), None)

    def leave(self, place: int) -> None:
        """Free the seat."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def _lock(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except BlockingIOError:
            return False
        return True


SEATS = Seats()  # made before the workers are forked: the app's configuration loads this module


def for_one_phase() -> int:
    """How many workers of a cluster may do the same phase: all but one, which is there for the others."""
    return max(1, settings.STEP_WORKERS - 1)


@contextmanager
def seated(kind: str, seats: int) -> Iterator[bool]:
    """Whether this process has one of the ``seats`` for ``kind`` of work until the block ends."""
    place = SEATS.take(kind, seats)
    try:
        yield place is not None
    finally:
        if place is not None:
            SEATS.leave(place)
