"""A process's sign of life, written at most every few seconds."""

import time

from django.db import connection

from huleedu.processes import process_name

BEAT_SECONDS = 5.0

BEAT = """
INSERT INTO huleedu_relaypresence (name, role, armed, seen_at) VALUES (%s, %s, false, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""


class Presence:
    """The presence row of this process in one role: ``steps`` waits for tasks, ``worker`` runs them."""

    def __init__(self, role: str) -> None:
        self.role = role
        self._beaten_at = -BEAT_SECONDS

    def beat(self) -> None:
        """Write the row, unless it was written within ``BEAT_SECONDS``. Raises ``DatabaseError``."""
        now = time.monotonic()
        if now - self._beaten_at < BEAT_SECONDS:
            return
        with connection.cursor() as cursor:
            cursor.execute(BEAT, [process_name(self.role), self.role])
        self._beaten_at = now
