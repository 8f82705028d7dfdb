"""How long sessions wait for locks of the database in all, found by looking often.

Each look counts the sessions that wait; each waits for the time since the look before, on the average. What
is left out waits on purpose: the relay that stands by waits for a table's lock until it may lead. Waits
within a process (for its pool, for a turn to upload) are none of the database's.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

LOOK_SECONDS = 0.01
WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
   AND query NOT LIKE '%LOCK TABLE huleedu_leadership%'
"""


class Waited:
    """Seconds waited so far, of all sessions together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._before: float | None = None

    def look(self, now: float, sessions: int) -> None:
        """``sessions`` wait at ``now``; the first look only begins."""
        if self._before is not None:
            self.seconds += sessions * (now - self._before)
        self._before = now


@contextmanager
def waiting(address: str) -> Iterator[Waited]:
    """Look at the database at ``address`` as long as the block lasts."""
    waited, over = Waited(), threading.Event()

    def look() -> None:
        with psycopg.connect(address, autocommit=True) as session:
            while not over.wait(LOOK_SECONDS):
                row = session.execute(WAITING).fetchone()
                assert row
                waited.look(time.monotonic(), row[0])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield waited
    finally:
        over.set()
        thread.join()
