"""Statements that PostgreSQL reads and plans once for each connection: the few that run for every event."""

from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


class PreparedCursor(psycopg.Cursor[Any]):
    """Prepares what it executes, where plans are kept."""

    def execute(
        self,
        query: Any,
        params: Any = None,
        *,
        prepare: bool | None = True,
        binary: bool | None = None,
    ) -> "PreparedCursor":
        """As psycopg's."""
        return super().execute(query, params, prepare=prepare, binary=binary)


def keep_plans() -> None:
    """Keep what the calling thread's connection prepares from now on; nothing inside a transaction.

    No plan may read more than it answers with: queues are short when it is made, and long when it counts.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    if connection.connection.prepare_threshold is None and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        connection.connection.prepare_threshold = 0


def prepared_cursor() -> CursorWrapper:
    """A cursor of the calling thread's connection; its statements are prepared if plans are kept."""
    connection.ensure_connection()
    cursor: Any = PreparedCursor(connection.connection)
    logged = connection.queries_logged
    return connection.make_debug_cursor(cursor) if logged else connection.make_cursor(cursor)
