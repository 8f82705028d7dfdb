"""A process's sign of life, and what it tells of itself, written at most every few seconds."""

import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

BEAT_SECONDS = 7.0

SIGN = """
WITH unflushed AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO huleedu_relaypresence (name, role, facts, seen_at)
SELECT %s, %s, %s::jsonb, clock_timestamp() FROM unflushed
ON CONFLICT (name) DO UPDATE SET role = excluded.role, facts = excluded.facts, seen_at = excluded.seen_at
"""


class Identity:
    """What this process tells of itself; its children, forked from it, tell the same."""

    facts: dict[str, Any] = {}
    # Asked before each sign, as long as something could not be found out at the start.
    find_out: Callable[[], None] | None = None


def process_name(role: str) -> str:
    """A name that tells this process from all others that share the database."""
    return f"{role}-{socket.gethostname()[:30]}-{os.getpid()}"


def sign(name: str, role: str) -> None:
    """Write the sign of life of ``name``. Raises ``DatabaseError``."""
    if Identity.find_out is not None:
        Identity.find_out()
    facts = json.dumps({**Identity.facts, "pid": os.getpid()}) if Identity.facts else "{}"
    with connection.cursor() as cursor:
        cursor.execute(SIGN, [name, role, facts])


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
        sign(process_name(self.role), self.role)
        self._beaten_at = now
