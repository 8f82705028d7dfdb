"""A running copy answers as its description says, for a minute; always the same requests.

``FUZZ_MINUTES`` and ``FUZZ_SEED`` choose another run; the seed is printed.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.faults.fuzz import fuzz

pytestmark = [pytest.mark.live]
MINUTES = float(os.environ.get("FUZZ_MINUTES", "1"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))


@pytest.mark.timeout(MINUTES * 60 + 300)
def test_every_answer_is_as_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nfuzz: FUZZ_SEED={SEED} FUZZ_MINUTES={MINUTES:g}\n")
    outcome = fuzz(tmp_path, SEED, MINUTES * 60)
    assert outcome.passed, outcome.text
    operations = outcome.report["operations"]
    assert operations["tested"] == operations["total"] > 20
    assert outcome.report["test_cases"]["generated"] > 100
