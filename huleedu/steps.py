"""What a token of the steps cluster does: run queued work, step after step, until none is left."""

import time
from collections.abc import Callable
from itertools import cycle

from essays.tasks import spellcheck_next
from files.tasks import extract_next
from huleedu import leaving, work

STEPS: tuple[Callable[[], bool], ...] = (extract_next, spellcheck_next)
SLICE_SECONDS = 1.0  # then the worker goes back to its cluster, which may want it to stop


def work_next() -> None:
    """Run queued items, the steps in turn, until nothing is due or the slice is over."""
    until, without = time.monotonic() + SLICE_SECONDS, 0
    for run_next in cycle(STEPS):
        if leaving.asked():
            return
        without = 0 if run_next() else without + 1
        if without == len(STEPS):
            return
        if time.monotonic() > until:
            work.wake_workers()
            return
