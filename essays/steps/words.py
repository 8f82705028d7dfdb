"""Finds the words of a text and where its sentences start."""

import re
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass

from essays.steps.languages import SKIPPED_TEXT

APOSTROPHES = "'’ʼ´`"
HYPHENS = "-‐‑"

_LETTERS = r"(?:[^\W_][\u0300-\u036f\u00ad]*)+"
_ENDINGS = r":(?=(?:s|n|t|en|et|er|ar|ns|ts|are|arna|erna)\b)"
_JOINT = rf"(?:[{APOSTROPHES}]|[{HYPHENS}]\n?|{_ENDINGS})"
_TOKEN = re.compile(rf"(?P<skipped>{SKIPPED_TEXT.pattern})|{_LETTERS}(?:{_JOINT}{_LETTERS})*")
_SENTENCE_END = re.compile(r"[.!?…]")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_PART = re.compile(rf"[^{HYPHENS}\n]+")
_HEADING_LENGTH = 45
_PLAIN = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(HYPHENS, "-"), "\u00ad": None})


@dataclass(frozen=True, slots=True)
class Word:
    """A word at ``text[start:end]``; ``plain`` is its NFC form with ASCII apostrophes and hyphens.

    ``skipped`` marks addresses, hashtags and anything with a digit: counted, never checked.
    """

    start: int
    end: int
    plain: str
    opens_sentence: bool
    skipped: bool


def find_words(text: str, abbreviations: Set[str]) -> Iterator[Word]:
    """Yield the words of ``text`` in order; offsets are characters of ``text`` as given.

    ``abbreviations`` are those of its language that end in a full stop, in lower case and without it.
    """
    previous: Word | None = None
    for match in _TOKEN.finditer(text):
        plain = plain_form(match.group())
        skipped = match["skipped"] is not None or any(letter.isdigit() for letter in plain)
        opens = _opens_sentence(text, previous, match.start(), abbreviations)
        previous = Word(match.start(), match.end(), plain, opens, skipped)
        yield previous


def plain_form(surface: str) -> str:
    """The form dictionaries know: NFC, straight apostrophes, plain hyphens, no soft hyphens."""
    return unicodedata.normalize("NFC", surface).translate(_PLAIN)


def hyphen_parts(text: str, word: Word) -> list[tuple[int, int]]:
    """Offsets of the non-empty parts between the hyphens of ``word``."""
    return [match.span() for match in _PART.finditer(text, word.start, word.end)]


def _opens_sentence(text: str, previous: Word | None, start: int, abbreviations: Set[str]) -> bool:
    """A line break opens a sentence after a blank line or a short line (a heading), not in wrapped lines."""
    if previous is None:
        return True
    gap = text[previous.end : start]
    if _PARAGRAPH_END.search(gap):
        return True
    if _SENTENCE_END.search(gap):
        return gap[0] != "." or not _is_abbreviation(previous.plain, abbreviations)
    return "\n" in gap and _line_length(text, previous.end) < _HEADING_LENGTH


def _is_abbreviation(plain: str, abbreviations: Set[str]) -> bool:
    return len(plain) == 1 or plain.lower() in abbreviations


def _line_length(text: str, position: int) -> int:
    return position - (text.rfind("\n", 0, position) + 1)
