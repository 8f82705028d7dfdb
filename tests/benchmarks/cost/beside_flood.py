"""What one teacher's flood does to another's essays, and to her pages."""

from statistics import median

from tests.benchmarks.cost.pages import opening
from tests.benchmarks.cost.sides import Sides
from tests.benchmarks.fairness import ESSAYS, alone_and_beside
from tests.benchmarks.measure import Figure, asked, at_most, percentile

FLOOD = asked("flood", 5_000, 200)
TURNS = asked("turns", 3, 2)
OF_ALONE = 1.7
PAGE_SECONDS = 0.2


def tell(sides: Sides) -> None:
    """The same essays alone and beside the flood, and her page opened again and again meanwhile."""
    at, seconds = sides.ours.at, list[float]()
    alone, beside = alone_and_beside(at, FLOOD, TURNS, lambda: opening(at, seconds))
    name = f"{ESSAYS} essays beside a flood of {FLOOD}"
    Figure(name, f"{beside:.2f} s", f"alone {alone:.2f} s", *at_most(beside, alone, OF_ALONE)).tell()
    shown, slow = f"{median(seconds):.3f} s", f"95 % within {percentile(seconds, 0.95):.3f} s"
    met = median(seconds) <= PAGE_SECONDS
    Figure("her page meanwhile", shown, slow, "", f"≤ {PAGE_SECONDS} s", met).tell()
