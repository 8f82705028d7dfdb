"""In which language a text is written, by the commonest words of many languages. Pure and deterministic."""

import re
from collections import defaultdict
from functools import lru_cache
from math import log10
from pathlib import Path

OTHER = "und"  # a language, but none that is known here: BCP 47's word for it

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_STRAIGHT = str.maketrans("’ʼ´`", "''''")
# The commonest word of a language weighs 3.5, the three-hundredth 1: as rare words say more of a subject
# than of a language, the others weigh nothing.
_HEAVIEST = 3.5
_FEWEST_WORDS = 8
_FEWEST_TO_EXCLUDE = 15
# Of a text's words at least this share are common ones: 40 to 75 per cent in a known language, 15 in
# Albanian.
_LEAST_SHARE = 0.22
# A text in a language that is checked must not be any other's, and the other way round; whether it is
# Norwegian or Danish matters less. The weight per word by which the best is ahead; in whole texts 0.4 or
# more.
_CHECKED = ("sv", "en")
_LEAST_LEAD = 0.2
_LAST_LATIN_LETTER = "\u024f"


def find_language(text: str) -> str | None:
    """The code of the language that dominates ``text``; ``OTHER`` for one not known here, None if undecided.

    Undecided are texts of a few words, and those that are as much one language as another.
    """
    words = _WORD.findall(text.translate(_STRAIGHT).lower())
    if len(words) < _FEWEST_WORDS:
        return OTHER if _is_in_other_letters(text) else None
    weights: defaultdict[str, float] = defaultdict(float)
    common: defaultdict[str, int] = defaultdict(int)
    for word in words:
        for code, weight in _common_words().get(word, ()):
            weights[code] += weight
            common[code] += 1
    ranked = sorted(weights, key=lambda code: (-weights[code], code))
    if not ranked or common[ranked[0]] < _LEAST_SHARE * len(words):
        return OTHER if len(words) >= _FEWEST_TO_EXCLUDE else None
    best = ranked[0]
    rivals = [code for code in (ranked if best in _CHECKED else _CHECKED) if code != best]
    lead = weights[best] - max((weights[code] for code in rivals), default=0.0)
    return best if lead >= _LEAST_LEAD * len(words) else None


def warm() -> None:
    """Read the words now instead of at the first text."""
    _common_words()


@lru_cache(maxsize=1)
def _common_words() -> dict[str, tuple[tuple[str, float], ...]]:
    """Each common word with its languages and its weight in each; read in some milliseconds."""
    found: defaultdict[str, tuple[tuple[str, float], ...]] = defaultdict(tuple)
    lines = Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            code, *words = line.split()
            for rank, word in enumerate(words, start=1):
                found[word] += ((code, _HEAVIEST - log10(rank)),)
    return dict(found)


def _is_in_other_letters(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    other = sum(letter > _LAST_LATIN_LETTER for letter in letters)
    return len(letters) > _FEWEST_TO_EXCLUDE and 2 * other > len(letters)
