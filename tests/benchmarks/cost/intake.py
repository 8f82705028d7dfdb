"""Thirty essays as one teacher sends them: how soon all are acknowledged, and how soon all have results."""

from statistics import median

from tests.benchmarks.cost.sides import Sides, essays
from tests.benchmarks.measure import Figure, asked, at_most, note, take_turns

ESSAYS = 30
TURNS = asked("turns", 7, 2)
OF_OLD = 0.6


def tell(sides: Sides) -> None:
    """Seconds from the first byte."""
    found = take_turns(
        TURNS, lambda: sides.ours.timed(essays(ESSAYS)), lambda: sides.old.timed(essays(ESSAYS))
    )
    for name, turns in zip(vars(sides), found, strict=False):
        note(f"{name}: " + ", ".join(f"{first:.2f} of {whole:.2f} s" for first, whole in turns))
    ours, old = ([median(values) for values in zip(*turns, strict=True)] for turns in found)
    for place, what in ((1, "first byte to all results"), (0, "first byte to all acknowledged")):
        shown, beside = f"{ours[place]:.2f} s", f"old {old[place]:.2f} s"
        Figure(f"{ESSAYS} essays, {what}", shown, beside, *at_most(ours[place], old[place], OF_OLD)).tell()
