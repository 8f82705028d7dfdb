"""Load and faults together for a minute, two with ``CI=true``; always the same faults.

``CHAOS_MINUTES`` and ``CHAOS_SEED`` choose another run; the seed is printed.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.faults.chaos import Chaos

pytestmark = [pytest.mark.live]
MINUTES = float(os.environ.get("CHAOS_MINUTES", "2" if os.environ.get("CI") == "true" else "1"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))


@pytest.mark.timeout(MINUTES * 60 + 600)
def test_nothing_is_lost_and_nothing_happens_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nchaos: CHAOS_SEED={SEED} CHAOS_MINUTES={MINUTES:g}\n")
    report = Chaos(tmp_path, SEED, MINUTES * 60).run()
    assert report.violations == [], report.text()
    assert report.requests["upload"] > 20
    assert report.requests["export"] > 3
    assert sum(report.faults.values()) > 5
