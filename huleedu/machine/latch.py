"""A latch: what its owner starts may load at once, and begins when the owner opens it, once and for all.

Loading takes most of a start, and needs neither the database nor that its tables fit. The waiting cost
nothing: a read of a pipe, which also ends when the owner is gone.
"""

import os
from collections.abc import Mapping
from contextlib import suppress

VARIABLE = "HULEEDU_LATCH"  # the number of the descriptor that ends when the latch opens


class Latch:
    """Holds back programs that are started while it is closed; those that come later find it open."""

    def __init__(self) -> None:
        self._ends: tuple[int, ...] = os.pipe()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a program needs open to wait; nothing when it is not to wait."""
        return self._ends[:1]

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells a program to wait; nothing when it is not to."""
        return {VARIABLE: str(self._ends[0])} if self._ends else {}

    def open(self) -> None:
        """Let all go that wait."""
        for end in self._ends:
            os.close(end)
        self._ends = ()


def wait() -> None:
    """Return when this process may begin: at once, unless its owner holds it back."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return
    end = int(number)
    with suppress(OSError):  # not inherited after all: there is nobody to wait for
        os.read(end, 1)
        os.close(end)
