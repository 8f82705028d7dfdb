"""Essays whose spelling errors are known: ``{wrong|right}`` in ``marked_sv.txt`` and ``marked_en.txt``."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARK = re.compile(r"\{([^|}]+)\|([^}]+)\}")

Errors = dict[tuple[int, int], frozenset[str]]


def marked_essay(language: str) -> tuple[str, Errors]:
    """The essay as its pupil wrote it, and its errors: (start, end) in characters → what would be right."""
    marked = (HERE / f"marked_{language}.txt").read_text(encoding="utf-8")
    text, errors, position = "", {}, 0
    for match in MARK.finditer(marked):
        text += marked[position : match.start()]
        errors[len(text), len(text) + len(match[1])] = frozenset(match[2].split("|"))
        text += match[1]
        position = match.end()
    return text + marked[position:], errors
