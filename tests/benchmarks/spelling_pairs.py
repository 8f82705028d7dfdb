"""Reads the pairs of misspelling and corrections that the spelling benchmarks use."""

from pathlib import Path

HERE = Path(__file__).resolve().parent

Pair = tuple[str, frozenset[str]]


def read_pairs(path: Path) -> list[Pair]:
    """Rows "wrong TAB right|right" of ``path``."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [(wrong, frozenset(right.split("|"))) for wrong, right in rows]


def open_pairs(language: str) -> list[Pair]:
    """Published misspellings (THIRD_PARTY.md names the sources)."""
    return read_pairs(HERE / f"misspellings_{language}.tsv")


def own_pairs(language: str) -> list[Pair]:
    """This project's own list of pupils' typical misspellings: even rows fit weights, odd rows test."""
    return read_pairs(HERE / f"spelling_pairs_{language}.tsv")
