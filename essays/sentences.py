"""The sentences around marks, for lists of what several essays have in common."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from essays.segments import Mark, Segment, pieces

# A line's end ends no sentence: texts of PDF files are wrapped.
_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s)|\n\s*\n")
MOST = 240  # characters on each side of a mark
CUT = "…"


@dataclass(slots=True)
class _Sentence:
    """``text[start:end]`` with its marks; ``before`` and ``after`` say that more of it was left out."""

    start: int
    end: int
    before: str
    after: str
    marks: list[Mark] = field(default_factory=list)


def sentences(text: str, marks: Iterable[Mark]) -> Iterator[list[Segment]]:
    """The sentences with ``marks``, in the order of the text, each once, cut where marks begin and end."""
    for found in _found(text, marks):
        shifted = [
            replace(mark, start=mark.start - found.start, end=mark.end - found.start) for mark in found.marks
        ]
        parts = [Segment(found.before), *pieces(text[found.start : found.end], shifted), Segment(found.after)]
        yield [part for part in parts if part.text]


def _found(text: str, marks: Iterable[Mark]) -> list[_Sentence]:
    found: list[_Sentence] = []
    for mark in marks:
        if not found or mark.end > found[-1].end:
            found.append(_around(text, mark))
        found[-1].marks.append(mark)
    return found


def _around(text: str, mark: Mark) -> _Sentence:
    """The sentence with ``mark``, without the white space around it, or as much of it as is shown."""
    first, last = max(0, mark.start - MOST), min(len(text), mark.end + MOST)
    ends = [match.end() for match in _END.finditer(text, first, mark.start)]
    start = ends[-1] if ends else first
    following = _END.search(text, mark.end, last)
    end = following.end() if following else last
    return _Sentence(
        start=mark.start - len(text[start : mark.start].lstrip()),
        end=mark.end + len(text[mark.end : end].rstrip()),
        before=CUT if not ends and first else "",
        after=CUT if not following and last < len(text) else "",
    )
