"""What a file costs, beside the code of before (``old``) and a plain project: one run, taking turns."""

import os
from collections.abc import Callable
from contextlib import ExitStack

from tests.benchmarks.cost import beside_flood, intake, one_batch, piles, processor
from tests.benchmarks.cost.sides import Sides, sides

PARTS: dict[str, Callable[[Sides], None]] = {
    "processor": processor.tell,
    "piles": piles.tell,
    "batch": one_batch.tell,
    "intake": intake.tell,
    "flood": beside_flood.tell,
}


def main() -> None:
    """Measure the parts that were asked for (``--only``), or all."""
    chosen = os.environ.get("BENCH_ONLY", "").split() or list(PARTS)
    with ExitStack() as stack:
        found = sides(stack)
        for name in chosen:
            PARTS[name](found)
