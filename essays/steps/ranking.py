"""Orders correction candidates with a linear score over features a teacher could check by hand."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from essays.steps.habits import rewritings
from essays.steps.lexicon import Lexicon

# Fitted by tests/benchmarks/spelling_fit.py on the open development pairs.
WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "en": {
        "distance": -3.04,
        "frequency": 1.80,
        "first_letter": 1.32,
        "last_letter": 0.92,
        "skeleton": 1.25,
        "sound": 1.46,
        "swap": 0.89,
        "doubling": 1.46,
        "accent": 0.00,
        "anagram": 0.45,
        "apostrophe": 0.24,
        "habit": 1.41,
        "shorter": -1.50,
        "split": -0.03,
        "name": -0.44,
    },
    "sv": {
        "distance": -2.54,
        "frequency": 1.45,
        "first_letter": 1.31,
        "last_letter": 1.43,
        "skeleton": 0.41,
        "sound": 2.65,
        "swap": 0.94,
        "doubling": 1.41,
        "accent": -0.10,
        "anagram": -0.01,
        "apostrophe": 0.00,
        "habit": 1.65,
        "shorter": -0.32,
        "split": -0.38,
        "name": -0.30,
    },
}


_BILLION = 9.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible correction in its natural case; ``split`` when it is several words."""

    text: str
    split: bool = False


def score(word: str, candidate: Candidate, lexicon: Lexicon) -> float:
    """How likely ``candidate`` is what the writer of the lower-case ``word`` meant; higher is better."""
    weights = WEIGHTS[lexicon.language.code]
    return sum(weights[name] * value for name, value in features(word, candidate, lexicon).items())


def features(word: str, candidate: Candidate, lexicon: Lexicon) -> dict[str, float]:
    """The values that ``WEIGHTS`` weighs, by the same names."""
    meant = candidate.text.lower()
    distance = edit_distance(word, meant)
    return {
        "distance": float(distance),
        "frequency": _frequency(meant, lexicon),
        "first_letter": float(word[0] == meant[0]),
        "last_letter": float(word[-1] == meant[-1]),
        "skeleton": float(_skeleton(lexicon, word) == _skeleton(lexicon, meant)),
        "sound": float(_sound(lexicon, word) == _sound(lexicon, meant)),
        "swap": float(distance == 1 and len(word) == len(meant) and sorted(word) == sorted(meant)),
        "doubling": float(distance > 0 and undouble(word) == undouble(meant)),
        "accent": float(distance > 0 and strip_accents(word) == strip_accents(meant)),
        "anagram": float(distance > 1 and sorted(word) == sorted(meant)),
        "apostrophe": float(word == meant.replace("'", "") != meant),
        "habit": float(meant in _rewritings(word, lexicon.language.code)),
        "shorter": float(len(meant) < len(word)),
        "split": float(candidate.split),
        "name": float(candidate.text[0].isupper()),
    }


def edit_distance(left: str, right: str) -> int:
    """Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment)."""
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, start=1):
        current = [row]
        for column, other in enumerate(right, start=1):
            cost = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]


def undouble(word: str) -> str:
    """``word`` with each run of one letter written once."""
    return "".join(letter for index, letter in enumerate(word) if index == 0 or word[index - 1] != letter)


def strip_accents(word: str) -> str:
    """``word`` without dots, rings and accents: å, ä and a are one letter."""
    return "".join(
        letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter)
    )


def _frequency(meant: str, lexicon: Lexicon) -> float:
    """Of several words: how often they would meet by chance."""
    parts = meant.split()
    return max(sum(map(lexicon.frequency, parts)) - _BILLION * (len(parts) - 1), 0.0)


@lru_cache(maxsize=256)
def _rewritings(word: str, code: str) -> frozenset[str]:
    return frozenset(rewritings(word, code))


@lru_cache(maxsize=4096)
def _sound(lexicon: Lexicon, word: str) -> str:
    return lexicon.sound(word)


@lru_cache(maxsize=4096)
def _skeleton(lexicon: Lexicon, word: str) -> str:
    return lexicon.skeleton(word)
