"""Whether a text can be an essay: neither empty nor outside the limits of length."""

import re
from dataclasses import dataclass

from files.steps.normalise import ZERO_WIDTH
from huleedu.failures.errors import ErrorCode, StepError

_LETTERS = r"[^\W_][\u0300-\u036f]*"
# Apostrophes, hyphens and the Swedish colon (EU:s) join letters; points and commas join digits only.
# Each branch begins with a character the others cannot begin with, so matching takes linear time.
_WORD = re.compile(rf"(?:{_LETTERS})+(?:(?:['’ʼ:‐‑-]|(?<=\d)[.,](?=\d))(?:{_LETTERS})+)*")
_INVISIBLE = re.compile(rf"[\s{ZERO_WIDTH}\u200c-\u200f\u180e\u2061-\u2064\ufffd]+")


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Allowed length of a text in characters, both ends included."""

    minimum_characters: int = 50
    maximum_characters: int = 50_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Size of a valid text; ``characters`` counts without outer white space."""

    words: int
    characters: int


def validate(text: str, limits: TextLimits) -> Measured:
    """Measure a text; raises StepError EMPTY_CONTENT, CONTENT_TOO_SHORT or CONTENT_TOO_LONG."""
    characters = len(text.strip())
    if _INVISIBLE.fullmatch(text) or not text:
        raise StepError(ErrorCode.EMPTY_CONTENT)
    if characters < limits.minimum_characters:
        raise StepError(ErrorCode.CONTENT_TOO_SHORT, characters=characters, minimum=limits.minimum_characters)
    if characters > limits.maximum_characters:
        raise StepError(ErrorCode.CONTENT_TOO_LONG, characters=characters, maximum=limits.maximum_characters)
    return Measured(count_words(text), characters)


def count_words(text: str) -> int:
    """How many words a reader would count: "don't", "16-åringar" and "EU:s" are one each."""
    return sum(1 for _ in _WORD.finditer(text))
