"""What was written since an earlier look: PostgreSQL knows it of every row, without columns or clocks.

A row's ``xmin`` is the transaction that wrote it, its last 32 bits: in SQL a row was written by ``since`` or
a later one when ``((row.xmin::text::bigint - since) & 4294967295) < 2147483648``. That is also true of some
rows that two thousand million transactions have passed.
"""

from django.db import connection


def seen_to() -> int:
    """The first transaction that the running one may not see: it and later ones write what is new to us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        found: int = cursor.fetchone()[0]
        return found
