"""Load and faults together for a minute; ``CHAOS_MINUTES`` and ``CHAOS_SEED`` choose another run."""

import os
from pathlib import Path

import pytest

from tests.faults.chaos import Chaos

pytestmark = [pytest.mark.live]
MINUTES = float(os.environ.get("CHAOS_MINUTES", "1"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(MINUTES * 60 + 300)
def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    report = Chaos(tmp_path, SEED, MINUTES * 60).run()
    assert report.violations == [], report.text()
    assert report.requests["upload"] > 20
    assert sum(report.faults.values()) > 5
