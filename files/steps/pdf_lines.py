"""Paragraphs again from the lines that a PDF page was set in."""

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Line:
    """One set line; places in points on its page, upwards and to the right; 0 when not known."""

    text: str
    page: int
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


_BROKEN = re.compile(r"\w-$")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[\x02\xad\ufffe](?=[^\W\d_])")
# What pdfium marks as a hyphen at a line's end but is none: a digit or nothing stands beside it.
_HYPHEN_MARK = re.compile("[\x02\xad\ufffe]")
_SENTENCE_ENDS = tuple('.!?…:"”»)')


def paragraphs(lines: list[Line]) -> str:
    """Text in which a line's end is a space, and an empty line parts what stood apart or broke early."""
    if not lines:
        return ""
    right_edges = _right_edges(lines)
    usual_gap = _usual_gap(lines)
    parts = [_unhyphenated(lines[0].text)]
    for line, following in pairwise(lines):
        if _continues(line, following, right_edges[line.page], usual_gap):
            parts[-1] = _joined(parts[-1], _unhyphenated(following.text))
        else:
            parts.append(_unhyphenated(following.text))
    return "\n\n".join(parts)


def without_page_numbers(lines: list[Line], pages: int) -> list[Line]:
    """The lines without those that hold nothing but their page's number; one page has none."""
    if pages < 2:
        return lines
    return [line for line in lines if line.text.strip(" -–—") != str(line.page + 1)]


def _right_edges(lines: list[Line]) -> dict[int, float]:
    edges: dict[int, float] = {}
    for line in lines:
        edges[line.page] = max(edges.get(line.page, 0.0), line.right)
    return edges


def _usual_gap(lines: list[Line]) -> float:
    gaps = [line.bottom - following.top for line, following in pairwise(lines) if line.page == following.page]
    return median(gaps) if gaps else 0.0


def _continues(line: Line, following: Line, right_edge: float, usual_gap: float) -> bool:
    if line.page != following.page:
        return not line.text.endswith(_SENTENCE_ENDS) and following.text[:1].islower()
    height = max(line.top - line.bottom, 1.0)
    if line.bottom - following.top > usual_gap + 0.4 * height:
        return False
    return not _broke_early(line, following, right_edge)


def _broke_early(line: Line, following: Line, right_edge: float) -> bool:
    """Whether the next word would have fitted: then the writer, not the margin, ended the line."""
    if line.right <= 0.0 or following.right <= following.left:
        return False
    letter = (following.right - following.left) / max(len(following.text), 1)
    first_word = len(following.text.split(maxsplit=1)[0])
    return line.right + letter * (first_word + 2) < right_edge


def _joined(text: str, following: str) -> str:
    """Join lines; a hyphen pdfium did not mark belongs to the word, as in "16-åring"."""
    if _BROKEN.search(text) and following[:1].isalnum():
        return text + following
    return f"{text} {following}"


def _unhyphenated(text: str) -> str:
    return _HYPHEN_MARK.sub("-", _HYPHENATED.sub(_hyphen, text))


def _hyphen(mark: re.Match[str]) -> str:
    """Lower case on both sides was one word; otherwise the hyphen is part of it ("EU-länderna")."""
    before, after = mark.string[mark.start() - 1], mark.string[mark.end()]
    return "" if before.islower() and after.islower() else "-"
