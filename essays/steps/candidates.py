"""Collects and ranks what a misspelt word may have been meant to be."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from essays.steps import costs
from essays.steps.budget import Budget
from essays.steps.habits import WHOLE, rewritings
from essays.steps.lexicon import Lexicon
from essays.steps.nearby import MAX_DISTANCE
from essays.steps.offensive import stop_list
from essays.steps.ranking import Candidate, edit_distance, score

MAX_SUGGESTIONS = 5
_COMMON = 3.0
_VERY_COMMON = 5.0


class Effort(IntEnum):
    """How much time one word may cost: none, about 3 ms, about 50 ms, about 0.2 s (``costs``)."""

    NONE = 0
    LISTED = 1
    EDITED = 2
    FULL = 3


UNITS: Mapping[Effort, Callable[[Lexicon, str], int]] = {
    Effort.LISTED: costs.listed,
    Effort.EDITED: costs.edited,
    Effort.FULL: costs.full,
}
# Letters of the longest word that is searched so.
_LONGEST = {Effort.FULL: 20, Effort.EDITED: 25, Effort.LISTED: 40}


class Found(NamedTuple):
    """Corrections, best first, and the units of work that finding them cost."""

    texts: tuple[str, ...]
    units: int


def suggestions(lexicon: Lexicon, plain: str, effort: Effort) -> tuple[str, ...]:
    """The best corrections of ``plain``, best first, in their natural case; at most five.

    None is offensive, and an offensive word that was written has none.
    """
    return search(lexicon, plain, effort).texts


@lru_cache(maxsize=20_000)
def search(lexicon: Lexicon, plain: str, effort: Effort) -> Found:
    """``suggestions`` and what they cost. What caches hold makes no difference to that."""
    word, code = plain.lower(), lexicon.language.code
    effort = min(effort, best_effort(plain))
    if effort is Effort.NONE or stop_list(code).lists(word):
        return Found((), 0)
    spent = Budget(0)
    ranked = sorted(
        (-score(word, candidate, lexicon), candidate.text)
        for candidate in candidates(lexicon, word, effort, spent)
    )
    known_habit = WHOLE[code].get(word)
    best = [known_habit] if known_habit is not None else []
    best += [text for _, text in ranked if text != known_habit]
    return Found(tuple(best[:MAX_SUGGESTIONS]), spent.spent)


def candidates(lexicon: Lexicon, word: str, effort: Effort, spent: Budget | None = None) -> list[Candidate]:
    """Every accepted and decent correction found for the lower-case ``word``, unordered and each once."""
    spent = spent or Budget(0)
    spent.spend(UNITS[Effort.LISTED](lexicon, word))
    read = rewritings(word, lexicon.language.code)
    found = dict.fromkeys(
        _accepted(lexicon, [word, *lexicon.near(word), *lexicon.sounding_like(word), *read])
    )
    if effort >= Effort.EDITED and not _has_neighbour(word, found, 1):
        spent.spend(UNITS[Effort.EDITED](lexicon, word))
        edits = one_edit_away(word, lexicon.language.letters)
        found |= dict.fromkeys(_accepted_as_they_are(lexicon, edits))
    splits = [Candidate(text, split=True) for text in _decent(lexicon, _splits(lexicon, word))]
    if effort is Effort.FULL and not splits and not _has_neighbour(word, found, MAX_DISTANCE):
        spent.spend(UNITS[Effort.FULL](lexicon, word))
        found |= dict.fromkeys(_accepted(lexicon, lexicon.dictionary_suggestions(word)))
    return [Candidate(text, split=" " in text) for text in found] + splits


def best_effort(plain: str) -> Effort:
    """What a word of this length may cost: dearer searches take much longer for longer words."""
    return next((effort for effort, length in _LONGEST.items() if len(plain) <= length), Effort.NONE)


def most_units(lexicon: Lexicon, plain: str, effort: Effort) -> int:
    """The most work that ``search`` costs with this ``effort``."""
    efforts = (each for each in Effort if Effort.NONE < each <= effort)
    return sum(UNITS[each](lexicon, plain) for each in efforts)


def natural_form(lexicon: Lexicon, word: str) -> str | None:
    """``word`` in the case the dictionary has it in (sweden: Sweden, usa: USA); None when it has it not."""
    lower = word.lower()
    if lower in WHOLE[lexicon.language.code]:
        return None
    forms = (lower, lower[:1].upper() + lower[1:], lower.upper())
    return next((form for form in forms if lexicon.accepts(form)), None)


def one_edit_away(word: str, letters: str) -> Iterator[str]:
    """Every string one deletion, transposition, replacement or insertion away from ``word``."""
    for index in range(len(word) + 1):
        head, tail = word[:index], word[index:]
        yield from (head + letter + tail for letter in letters)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def _accepted(lexicon: Lexicon, words: Iterable[str]) -> Iterator[str]:
    for word in _decent(lexicon, words):
        if " " in word:
            yield word
        elif (form := natural_form(lexicon, word)) is not None:
            yield form


def _accepted_as_they_are(lexicon: Lexicon, words: Iterable[str]) -> Iterator[str]:
    """Without names and acronyms: known ones are near in the list, and to ask costs four times as much."""
    whole = WHOLE[lexicon.language.code]
    return (word for word in _decent(lexicon, words) if word not in whole and lexicon.accepts(word))


def _decent(lexicon: Lexicon, texts: Iterable[str]) -> Iterator[str]:
    barred = stop_list(lexicon.language.code)
    return (text for text in texts if not barred.holds(text))


def _has_neighbour(word: str, found: Iterable[str], edits: int) -> bool:
    return any(edit_distance(word, text.lower()) <= edits for text in found)


def _splits(lexicon: Lexicon, word: str) -> Iterator[str]:
    for index in range(1, len(word)):
        head, tail = word[:index], word[index:]
        if not _stands_alone(lexicon, head):
            continue
        if _stands_alone(lexicon, tail):
            yield f"{head} {tail}"
        elif lexicon.frequency(head) >= _VERY_COMMON:
            yield from (f"{head} {rest}" for rest in _very_common_pairs(lexicon, tail))


def _very_common_pairs(lexicon: Lexicon, word: str) -> Iterator[str]:
    for index in range(1, len(word)):
        parts = (word[:index], word[index:])
        if all(_stands_alone(lexicon, part) and lexicon.frequency(part) >= _VERY_COMMON for part in parts):
            yield " ".join(parts)


def _stands_alone(lexicon: Lexicon, part: str) -> bool:
    if len(part) <= 2:
        return part in lexicon.language.short_words
    return lexicon.frequency(part) >= _COMMON and lexicon.accepts(part)
