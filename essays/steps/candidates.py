"""Collects and ranks what a misspelt word may have been meant to be."""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache

from essays.steps.habits import WHOLE, rewritings
from essays.steps.lexicon import Lexicon
from essays.steps.nearby import MAX_DISTANCE
from essays.steps.offensive import stop_list
from essays.steps.ranking import Candidate, edit_distance, score

MAX_SUGGESTIONS = 5
_LONGEST_WORD = 40
_COMMON = 3.0
_VERY_COMMON = 5.0


class Effort(IntEnum):
    """How much time one word may cost: none, about 2 ms, about 10 ms, about 0.1 s."""

    NONE = 0
    LISTED = 1
    EDITED = 2
    FULL = 3


@lru_cache(maxsize=20_000)
def suggestions(lexicon: Lexicon, plain: str, effort: Effort) -> tuple[str, ...]:
    """The best corrections of ``plain``, best first, in their natural case; at most five.

    None is offensive, and an offensive word that was written has none.
    """
    word = plain.lower()
    if effort is Effort.NONE or len(plain) > _LONGEST_WORD or stop_list(lexicon.language.code).lists(word):
        return ()
    ranked = sorted(
        (-score(word, candidate, lexicon), candidate.text) for candidate in candidates(lexicon, word, effort)
    )
    known_habit = WHOLE[lexicon.language.code].get(word)
    best = [known_habit] if known_habit is not None else []
    best += [text for _, text in ranked if text != known_habit]
    return tuple(best[:MAX_SUGGESTIONS])


def candidates(lexicon: Lexicon, word: str, effort: Effort) -> list[Candidate]:
    """Every accepted and decent correction found for the lower-case ``word``, unordered and each once."""
    read = rewritings(word, lexicon.language.code)
    found = dict.fromkeys(
        _accepted(lexicon, [word, *lexicon.near(word), *lexicon.sounding_like(word), *read])
    )
    if effort >= Effort.EDITED and not _has_neighbour(word, found, 1):
        found |= dict.fromkeys(_accepted(lexicon, one_edit_away(word, lexicon.language.letters)))
    splits = [Candidate(text, split=True) for text in _decent(lexicon, _splits(lexicon, word))]
    if effort is Effort.FULL and not splits and not _has_neighbour(word, found, MAX_DISTANCE):
        found |= dict.fromkeys(_accepted(lexicon, lexicon.dictionary_suggestions(word)))
    return [Candidate(text, split=" " in text) for text in found] + splits


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
