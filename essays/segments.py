"""An essay's text cut into paragraphs and pieces: a page marks findings without touching the text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PARAGRAPH_END = "\n\n"


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding as a page shows it; ``index`` counts from 1 in the order of the text.

    ``essays`` is how many essays of the batch have the word marked, 0 while nobody has counted.
    """

    index: int
    start: int
    end: int
    word: str
    suggestions: tuple[str, ...]
    kind: str
    essays: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a paragraph, under a mark or not."""

    text: str
    finding: Mark | None = None


def make_marks(findings: Iterable[Mapping[str, Any]], length: int) -> list[Mark]:
    """Marks of stored findings in the order of a text of ``length`` characters.

    A finding outside the text, or inside one before it, is left out.
    """
    marks: list[Mark] = []
    position = 0
    for finding in sorted(findings, key=lambda finding: (finding["start"], -finding["end"])):
        start, end = finding["start"], finding["end"]
        if not position <= start < end <= length:
            continue
        suggestions = tuple(finding.get("suggestions", ()))
        kind = finding.get("kind", "spelling")
        marks.append(Mark(len(marks) + 1, start, end, finding["word"], suggestions, kind))
        position = end
    return marks


def split(text: str, marks: Iterable[Mark]) -> list[list[Segment]]:
    """The paragraphs of ``text`` as lists of segments; one without characters is an empty list.

    ``marks`` come from ``make_marks``. The segments of a paragraph joined, and the paragraphs joined with
    ``PARAGRAPH_END``, are ``text`` again; single line ends stay inside. A mark over the end of a paragraph
    covers its piece of each.
    """
    paragraphs: list[list[Segment]] = [[]]
    for piece in pieces(text, marks):
        for number, part in enumerate(piece.text.split(PARAGRAPH_END)):
            if number:
                paragraphs.append([])
            if part:
                paragraphs[-1].append(Segment(part, piece.finding))
    return paragraphs


def pieces(text: str, marks: Iterable[Mark]) -> Iterator[Segment]:
    """``text`` cut where marks begin and end."""
    position = 0
    for mark in marks:
        yield Segment(text[position : mark.start])
        yield Segment(text[mark.start : mark.end], mark)
        position = mark.end
    yield Segment(text[position:])
