"""The table of faults names tests that exist."""

import ast
import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROW = re.compile(r"^\|(?: F\d+(?:, F\d+)*)? \|.*\|.*\| (?P<tests>`.*) \|$")
FILE = re.compile(r"`(?P<path>(?:tests/(?:[a-z_]+/)+)?test_[a-z_]+\.py)`(?P<names>[^;]*)")
NAME = re.compile(r"`(test_[a-z_]+)(?:\[|`)")


def rows() -> list[str]:
    """What each row of the table names."""
    lines = (ROOT / "docs" / "faults.md").read_text().splitlines()
    return [match["tests"] for line in lines if (match := ROW.match(line))]


def functions(path: Path) -> set[str]:
    """The tests in a file."""
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists() -> None:
    assert len(rows()) >= 36
    for row in rows():
        files = list(FILE.finditer(row))
        assert files, row
        for match in files:
            path = match["path"] if "/" in match["path"] else f"tests/faults/{match['path']}"
            assert set(NAME.findall(match["names"])) <= functions(ROOT / path), row
