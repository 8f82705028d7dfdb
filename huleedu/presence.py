"""A process's sign of life, written at most every few seconds."""

import os
import socket
import time

from django.db import connection

BEAT_SECONDS = 7.0

BEAT = """
WITH unflushed AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO huleedu_relaypresence (name, role, seen_at)
SELECT %s, %s, clock_timestamp() FROM unflushed
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""


def process_name(role: str) -> str:
    """A name that tells this process from all others that share the database."""
    return f"{role}-{socket.gethostname()[:30]}-{os.getpid()}"


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
