"""Who of a cluster may do what at once: no phase takes every worker, and only one does what is slow.

A seat is a byte of a file that a cluster's processes share by fork, and whoever sits there has locked it.
A record lock ends with its process, however that ends, so no seat stays taken.
"""

import fcntl
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

APART = 1024  # bytes between the first seats of two kinds of work
CHOICE = 2**50  # beyond all seats: whoever has it chooses
CHOICE_SECONDS = 1.0  # a choice takes a statement; whose hangs must not hold the others up
CHOICE_PAUSE = 0.002


class Seats:
    """Seats for each kind of work, shared by the processes that are forked from this one."""

    def __init__(self) -> None:
        self._file = os.memfd_create("seats")

    def take(self, kind: str, seats: int) -> int | None:
        """Take one of the ``seats`` for ``kind`` of work; its place, or None when others have them all."""
        first = zlib.crc32(kind.encode()) * APART
        return next((place for place in range(first, first + seats) if self._lock(place)), None)

    def choose(self) -> bool:
        """Wait until no other process chooses; ``leave(CHOICE)`` when done. False when one takes too long."""
        until = time.monotonic() + CHOICE_SECONDS
        while not self._lock(CHOICE):
            if time.monotonic() > until:
                return False
            time.sleep(CHOICE_PAUSE)
        return True

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
def choosing(seats: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """A seat for each kind of work of which not all ``seats`` are taken: kind → place.

    What is still in it at the block's end is left; what was taken out is the caller's to leave. One process
    chooses at a time: another would find no seat where this one takes some only to look. Empty when another
    does not come to an end.
    """
    if not SEATS.choose():
        yield {}
        return
    places: dict[str, int] = {}
    try:
        for kind, number in seats.items():
            place = SEATS.take(kind, number)
            if place is not None:
                places[kind] = place
        yield places
    finally:
        for place in places.values():
            SEATS.leave(place)
        SEATS.leave(CHOICE)
