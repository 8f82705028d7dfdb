"""What every figure shares: repeating, medians, percentiles, and the row it ends as."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

MARK = "FIGURE "
QUICK = os.environ.get("BENCH_QUICK") == "1"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Figure:
    """One row of the table: what was measured, beside what, and whether the target is met.

    ``target`` is in words; ``passed`` is None where a figure is told for comparison only.
    """

    name: str
    ours: str
    beside: str = ""
    ratio: str = ""
    target: str = ""
    passed: bool | None = None

    def tell(self) -> None:
        """Hand the figure to the program that prints the table."""
        sys.stdout.write(f"{MARK}{json.dumps(asdict(self))}\n")
        sys.stdout.flush()


def note(text: str) -> None:
    """Say how it goes."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


def size(full: int, quick: int) -> int:
    """How many: ``quick`` with ``--quick``."""
    return quick if QUICK else full


def asked(name: str, full: int, quick: int) -> int:
    """How many: what the command was told for ``name`` (``--turns 3``), else as ``size``."""
    return int(os.environ.get(f"BENCH_{name.upper()}") or size(full, quick))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of ``values`` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def seconds_of(action: Callable[[], object]) -> float:
    """Wall-clock seconds that ``action`` takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def take_turns(repetitions: int, *actions: Callable[[], Found]) -> list[list[Found]]:
    """What each action found; they take turns, so that a noisy moment meets all of them."""
    found: list[list[Found]] = [[] for _ in actions]
    for _ in range(repetitions):
        for action, values in zip(actions, found, strict=True):
            values.append(action())
    return found


def alternate(repetitions: int, *actions: Callable[[], float]) -> list[float]:
    """The median of each action's figure; they take turns."""
    found = take_turns(repetitions, *actions)
    for values in found:
        note(", ".join(f"{value:.4g}" for value in values))
    return [statistics.median(values) for values in found]


def times(ours: float, theirs: float, at_least: float) -> tuple[str, str, bool]:
    """Ratio, target and verdict where more is better."""
    ratio = ours / theirs
    return f"{ratio:.1f} ×", f"≥ {at_least:g} ×", ratio >= at_least


def at_most(ours: float, theirs: float, limit: float) -> tuple[str, str, bool]:
    """Ratio, target and verdict where less is better."""
    ratio = ours / theirs
    return f"{ratio:.2f} ×", f"≤ {limit:g} ×", ratio <= limit
