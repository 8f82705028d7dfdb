"""How a step worker ends: it finishes what it has in hand if that is soon done, else gives it back untouched.

Giving back happens in the signal's handler, which never returns, on a connection of its own: whatever the
step was doing is left where it stands, and what it has not committed is undone by the database.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import structlog
from django.db import connection

from huleedu.logs import describe
from huleedu.machine.stopping import Stop, no_alarm, on_alarm, on_signals
from huleedu.models import WorkItem

FINISH_SECONDS = 1.5  # for the item in hand, after the first signal
CONNECT_SECONDS = 2  # on a machine that is busy
LIMIT = "SET statement_timeout = 1000"  # milliseconds
# The old session's locks would be waited for; its row, if it was done after all, is found gone.
END_SESSION = "SELECT pg_terminate_backend(%s)"
log = structlog.get_logger(__name__)
GIVE_BACK = """
UPDATE huleedu_workitem
SET state = 'queued', leased_at = NULL, worker = '', due_at = now(), max_retries = max_retries + 1
WHERE id = %s AND attempts = %s AND state = 'running'
"""


@dataclass
class Hand:
    """What this process has in hand, and whether it is about to take something."""

    item: WorkItem | None = None
    taking: bool = False
    out_of_time: bool = False
    stop: Stop | None = None


HAND = Hand()


def leave_when_asked() -> Stop:
    """In a worker: what SIGTERM and SIGINT set. Its task ends at most a moment after ``FINISH_SECONDS``."""
    stop = HAND.stop = Stop()

    def ask() -> None:
        if not stop.is_set():
            on_alarm(FINISH_SECONDS, leave)
        stop.set()

    on_signals(stop, ask)
    return stop


def asked() -> bool:
    """Whether this process shall take nothing more."""
    return HAND.stop is not None and HAND.stop.is_set()


@contextmanager
def in_hand(take: Callable[[], WorkItem | None]) -> Iterator[WorkItem | None]:
    """What ``take`` claims is given back, should this process have to leave within the block."""
    HAND.taking = True
    try:
        HAND.item = take()
    finally:
        HAND.taking = False
    try:
        if HAND.out_of_time:
            leave()
        yield HAND.item
    finally:
        HAND.item = None


def leave() -> None:
    """End this process now; what it has in hand is queued again and the try does not count."""
    if HAND.taking:
        # Nobody knows yet what it is.
        HAND.out_of_time = True
        return
    no_alarm()
    if HAND.item is not None:
        try:
            give_back(HAND.item)
        except Exception as failure:
            # The lease ends with its session, and the relay sees it.
            log.warning("work.not_given_back", item_id=HAND.item.pk, error=describe(failure))
    os._exit(0)


def give_back(item: WorkItem) -> None:
    """Queue the claimed ``item`` again, unless it has been finished or taken over. Raises psycopg.Error."""
    mine = connection.connection
    parameters = {**connection.get_connection_params(), "connect_timeout": CONNECT_SECONDS}
    with psycopg.connect(**parameters, autocommit=True) as session:
        session.execute(LIMIT)
        if mine is not None and not mine.closed:
            session.execute(END_SESSION, [mine.info.backend_pid])
        session.execute(GIVE_BACK, [item.pk, item.attempts])
