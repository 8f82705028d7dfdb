"""Processor time of a file: all processes of a side with PostgreSQL and all children, without the clients."""

import time
from collections import Counter
from statistics import median

from tests.benchmarks.cost.sides import Sides, short_texts
from tests.benchmarks.measure import Figure, asked, at_most, note, size, take_turns
from tests.benchmarks.processes import spent, used
from tests.benchmarks.teacher import Teacher

FILES = size(200, 30)
TURNS = asked("turns", 3, 1)
SETTLE_SECONDS = 1.0  # what follows the last result belongs to it
OF_OLD, OF_PLAIN = 0.5, 3.0


def tell(sides: Sides) -> None:
    """The whole of each side, and the parts of each for whoever wants to lower it."""
    found = take_turns(
        TURNS, lambda: by_part(sides.ours), lambda: by_part(sides.old), lambda: by_part(sides.plain)
    )
    for name, turns in zip(vars(sides), found, strict=True):
        for parts in turns:
            note(f"{name}: {parts.total():.1f} ms a file: {in_words(parts)}")
    ours, old, plain = (median(parts.total() for parts in turns) for turns in found)
    name, shown = "processor time of a file", f"{ours:.0f} ms"
    Figure(name, shown, f"old {old:.0f} ms", *at_most(ours, old, OF_OLD)).tell()
    Figure(name, shown, f"plain {plain:.0f} ms", *at_most(ours, plain, OF_PLAIN)).tell()


def by_part(teacher: Teacher) -> "Counter[str]":
    """Milliseconds a file in each part of an installation, while it takes short files, three at once."""
    files = short_texts(FILES)
    before = used(teacher.at)
    teacher.process(files)
    time.sleep(SETTLE_SECONDS)
    parts = spent(before, used(teacher.at))
    return Counter({name: nanoseconds / 1e6 / FILES for name, nanoseconds in parts.items()})


def in_words(parts: "Counter[str]") -> str:
    """The dearest first."""
    return ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in parts.most_common())
