"""Who does which queued work, on one screen; and what a token of the steps cluster does: it runs such work.

Reading goes first: it is short, and until it is done nobody knows what a file is. The others take turns.
"""

import time
from collections import deque

from essays.tasks import handler_of
from files.tasks import EXTRACTION
from huleedu.events.phases import PHASES
from huleedu.forgetting.erasing import ERASURE
from huleedu.postgres.prepared import keep_plans
from huleedu.work import leaving
from huleedu.work import queue as work
from huleedu.work.handlers import HANDLERS, Handler
from results.tasks import EXPORTING

HANDLERS.register(EXTRACTION, *map(handler_of, PHASES.values()), EXPORTING, ERASURE)
SLICE_SECONDS = 1.0  # then the worker goes back to its cluster, which may want it to stop


def work_next() -> None:
    """Run queued items until nothing is due, the slice is over, or this worker shall end."""
    keep_plans()
    first, others = HANDLERS.in_turn()
    until, turns = time.monotonic() + SLICE_SECONDS, deque(others)
    while not leaving.asked() and run_one(first, turns):
        if time.monotonic() > until:
            work.wake_workers()
            return


def run_one(first: list[Handler], turns: deque[Handler]) -> bool:
    """Run one item; False when there is none for this worker. Whose it was goes to the end of ``turns``."""
    done = work.run_next(*first, *turns)
    if done is not None and done in turns:
        turns.remove(done)
        turns.append(done)
    return done is not None
