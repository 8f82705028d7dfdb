"""The list of bad inputs names tests that exist."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROWS = [
    line.rsplit("|", 2)
    for line in (ROOT / "docs" / "bad-inputs.md").read_text().splitlines()
    if line.startswith("|") and "---" not in line and "| test |" not in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_every_row_has_tests(row: list[str]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[1])
    assert named
    for path, name in named:
        tree = ast.parse((ROOT / "tests" / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path


def test_the_list_is_read() -> None:
    assert len(ROWS) > 45
