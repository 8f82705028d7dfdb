"""What a token of the steps cluster does: run queued work until none is left that this worker may do.

Reading goes first: it is short, and until it is done nobody knows what a file is. The other steps take turns.
"""

import time
from collections import deque
from collections.abc import Callable

from essays.tasks import spellcheck_next
from files.tasks import extract_next
from huleedu import leaving, work
from huleedu.erasing import erase_next

Step = Callable[[], bool]
FIRST: Step = extract_next
OTHERS: tuple[Step, ...] = (spellcheck_next, erase_next)
SLICE_SECONDS = 1.0  # then the worker goes back to its cluster, which may want it to stop


def work_next() -> None:
    """Run queued items until nothing is due, the slice is over, or this worker shall end."""
    until, others = time.monotonic() + SLICE_SECONDS, deque(OTHERS)
    while not leaving.asked() and run_one(others):
        if time.monotonic() > until:
            work.wake_workers()
            return


def run_one(others: deque[Step]) -> bool:
    """Run one item; False when there is none for this worker. What ran goes to the end of ``others``."""
    if FIRST():
        return True
    for _ in OTHERS:
        others.rotate(-1)
        if others[-1]():
            return True
    return False
