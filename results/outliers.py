"""Which essays lie far from the others of their batch, so that a figure of the class can name them.

Figures of a class are medians, which one strange essay does not move. Strange are values outside Tukey's
fences (J. W. Tukey, Exploratory Data Analysis, 1977): more than one and a half times the distance of the
quartiles below the first or above the third. The quartiles are those of ``statistics.quantiles``,
"inclusive": the essays are the whole class, no sample of it. Of fewer than five essays, or when the middle
half of them are alike, nothing is far from anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

LEAST_ESSAYS = 5
STEP = 1.5


@dataclass(frozen=True)
class Of:
    """A figure of the essay with this number."""

    number: int
    value: float


@dataclass(frozen=True)
class Range:
    """A figure over essays: the essays with the least and the most of it, the median, and those far off.

    ``middle`` is the essay nearest to the median, which of an even number no essay may have.
    """

    least: Of
    median: float
    middle: Of
    most: Of
    far: list[Of]


def range_of(figures: Iterable[Of]) -> Range | None:
    """The range of ``figures``, None without any; among equals the first essay is named."""
    ordered = sorted(figures, key=lambda one: (one.value, one.number))
    if not ordered:
        return None
    most = min(ordered, key=lambda one: (-one.value, one.number))
    half = median(one.value for one in ordered)
    middle = min(ordered, key=lambda one: (abs(one.value - half), one.number))
    return Range(ordered[0], half, middle, most, far_off(ordered))


def far_off(figures: Sequence[Of]) -> list[Of]:
    """Those outside the fences, in the order given."""
    low, high = fences([one.value for one in figures])
    return [one for one in figures if not low <= one.value <= high]


def fences(values: Sequence[float]) -> tuple[float, float]:
    """Between which values an essay is like the others."""
    everything = (float("-inf"), float("inf"))
    if len(values) < LEAST_ESSAYS:
        return everything
    first, _, third = quantiles(values, n=4, method="inclusive")
    reach = STEP * (third - first)
    return (first - reach, third + reach) if reach else everything
