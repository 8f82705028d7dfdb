"""Reads the pairs of misspelling and corrections that the spelling benchmarks use."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[2] / "shared" / "samples"

Pair = tuple[str, frozenset[str]]
OPEN_SETS = {"en": "wikipedia.even.tsv", "sv": "sv_autocorr.even.tsv"}


def read_pairs(path: Path) -> list[Pair]:
    """Rows "wrong TAB right|right" of ``path``; none when it is missing."""
    if not path.exists():
        return []
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return [(wrong, frozenset(right.split("|"))) for wrong, right in rows]


def open_pairs(language: str) -> list[Pair]:
    """The published misspellings among the shared samples."""
    return read_pairs(SAMPLES / "spelling" / OPEN_SETS[language])


def own_pairs(language: str) -> list[Pair]:
    """This project's own list of pupils' typical misspellings: even rows fit weights, odd rows test."""
    return read_pairs(HERE / f"spelling_pairs_{language}.tsv")
