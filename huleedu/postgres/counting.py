"""Counts over growing tables: settled rows are counted once per process, new ones each time."""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.db import connection

SETTLED_SECONDS = 120  # longer than any transaction that inserts, so that no lower id can appear later

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Tally:
    """Number of rows, and sum of their values, by key."""

    counts: Counter[Key] = field(default_factory=Counter)
    sums: defaultdict[Key, float] = field(default_factory=lambda: defaultdict(float))

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        both = Tally(self.counts + other.counts, self.sums.copy())
        for key, value in other.sums.items():
            both.sums[key] += value
        return both


class GrowingTable:
    """Tallies one table by the SQL expressions ``keys``, with the sum of ``value``, at a constant cost."""

    def __init__(self, table: str, time: str, keys: tuple[str, ...], value: str) -> None:
        old = f"{time} < clock_timestamp() - interval '{SETTLED_SECONDS} s'"
        self._boundary = f"SELECT coalesce(max(id), %(last)s) FROM {table} WHERE id > %(last)s AND {old}"  # noqa: S608
        groups = ", ".join(str(number) for number in range(3, 4 + len(keys)))
        self._query = (
            f"SELECT count(*), coalesce(sum({value}), 0)::float8, id <= %(boundary)s, {', '.join(keys)}"  # noqa: S608
            f" FROM {table} WHERE id > %(last)s GROUP BY {groups}"
        )
        self._lock = threading.Lock()
        self._last_id = 0
        self._settled = Tally()

    def tally(self) -> Tally:
        """The whole table as of now."""
        with self._lock:
            boundary, settled, fresh = self._read()
            self._settled = self._settled.plus(settled)
            self._last_id = boundary
            return self._settled.plus(fresh)

    def _read(self) -> tuple[int, Tally, Tally]:
        settled, fresh = Tally(), Tally()
        with connection.cursor() as cursor:
            cursor.execute(self._boundary, {"last": self._last_id})
            boundary = cursor.fetchone()[0]
            cursor.execute(self._query, {"last": self._last_id, "boundary": boundary})
            for count, total, is_settled, *key in cursor.fetchall():
                tally = settled if is_settled else fresh
                tally.counts[tuple(key)] += count
                tally.sums[tuple(key)] += total
        return boundary, settled, fresh
