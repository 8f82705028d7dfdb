"""What docs/limits.md says of formats is what they declare."""

from pathlib import Path

import pytest
from django.conf import settings

from files.steps.format import Limit
from files.steps.registry import FORMATS

ROWS = (Path(settings.BASE_DIR) / "docs" / "limits.md").read_text().splitlines()


@pytest.mark.parametrize(
    "limit", [limit for each in FORMATS.read for limit in each.limits], ids=lambda limit: limit.what
)
def test_the_limits_of_formats_are_told(limit: Limit) -> None:
    rows = [row for row in ROWS if row.startswith(f"| {limit.what} | ")]
    assert len(rows) == 1, f"docs/limits.md has {len(rows)} rows for {limit.what!r}"
    (row,) = rows
    assert f"{limit.most:,}" in row and row.endswith(f"| `{limit.code}` |")
