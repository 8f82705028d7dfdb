"""What the connection of this process says to PostgreSQL, counted by libpq's own trace of the protocol."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from psycopg.pq import Trace

SAID = re.compile(rb"^F\t\d+\t(Query|Execute|Parse)\b(.{0,40})", re.MULTILINE)
FRAME = re.compile(rb"\b(BEGIN|COMMIT|ROLLBACK)\b")


@dataclass
class Count:
    """Round trips with work in them, and transactions that were committed."""

    statements: float = 0
    transactions: float = 0


@contextmanager
def counted(count: Count) -> Iterator[None]:
    """Add to ``count`` what is said within the block."""
    connection.ensure_connection()
    assert connection.connection is not None
    protocol = connection.connection.pgconn
    with tempfile.TemporaryFile() as trace:
        protocol.trace(trace.fileno())
        protocol.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield
        finally:
            protocol.untrace()
            trace.seek(0)
            said = SAID.findall(trace.read())
    for kind, words in said:
        frame = FRAME.search(words)
        if frame is not None:
            count.transactions += frame[1] == b"COMMIT"
        elif kind != b"Parse":
            count.statements += 1
