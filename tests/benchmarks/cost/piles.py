"""Throughput when many teachers' batches come at once."""

import time
from collections import Counter

from tests.benchmarks.cost.sides import Sides, essays
from tests.benchmarks.flood import FILES, send, wait
from tests.benchmarks.measure import Figure, alternate, asked, times
from tests.benchmarks.teacher import Teacher

BATCHES = asked("batches", 100, 5)
TURNS = asked("turns", 1, 1)
OF_OLD = 2.0


def tell(sides: Sides) -> None:
    """Files a second, from the first byte to the last batch complete."""
    ours, old = alternate(TURNS, lambda: rate(sides.ours), lambda: rate(sides.old))
    name = f"{BATCHES} batches of {FILES} files at once"
    Figure(name, f"{ours:.1f} files/s", f"old {old:.1f} files/s", *times(ours, old, OF_OLD)).tell()


def rate(teacher: Teacher) -> float:
    """Files a second."""
    contents = [essays(FILES) for _ in range(BATCHES)]
    batches = [teacher.register(FILES, f"batch {number}") for number in range(BATCHES)]
    began = time.monotonic()
    send(teacher, list(zip(batches, contents, strict=True)))
    assert wait(teacher, batches) == Counter(completed=BATCHES)
    return BATCHES * FILES / (time.monotonic() - began)
