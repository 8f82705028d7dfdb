"""The table of ASVS areas is whole, and the tests that it names exist."""

import ast
import re
from functools import cache

import pytest

from tests.documents import ROOT

CHAPTERS = 17
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| V")
]
WITHOUT_TESTS = {"V4.3", "V17"}  # there is nothing of that kind


@cache
def names_in(path: str) -> set[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_area_says_what_is_done_by_which_test_and_what_is_not_met(row: list[str]) -> None:
    area, done, named, lacking = row
    assert done and lacking, area
    tests = TEST.findall(named)
    assert bool(tests) == (area.split()[0] not in WITHOUT_TESTS), area
    for path, name in tests:
        assert name in names_in(path), (path, name)


def test_no_chapter_is_left_out() -> None:
    chapters = [int(chapter) for row in ROWS for chapter in re.findall(r"^V(\d+)", row[0])]
    assert chapters == sorted(chapters)
    assert set(chapters) == set(range(1, CHAPTERS + 1))
