"""Decides which words of a text are misspelt, and which are names, initials or parts of compounds."""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from essays.steps import costs
from essays.steps.budget import Budget
from essays.steps.candidates import Effort, most_units, search
from essays.steps.habits import WHOLE
from essays.steps.lexicon import Lexicon
from essays.steps.ranking import edit_distance
from essays.steps.words import HYPHENS, Word, hyphen_parts, plain_form

_ACRONYM = re.compile(r"[^\W\d_a-zåäö]{2,5}(?:s|'s|:\w+)?")
_INNER_CAPITAL = re.compile(r"[a-zåäö][A-ZÅÄÖ]")
_LETTERS = re.compile(r"\w+")
_POSSESSIVE = re.compile(r"'s?$")
# A capitalised word in mid-sentence is a slip, not a name, when it is this close to a word this common.
_SHORTEST_SLIP = 5
_SLIP_FREQUENCY = 3.0
_NAME_SLIP_FREQUENCY = 4.3
_MAX_NAMES_WEIGHED = 200
_LONGEST_SLIP = 40
_NAMES_SHARE = 0.5  # of a text's budget


@dataclass(frozen=True, slots=True)
class Suspect:
    """A misspelt word or hyphenated part at ``text[start:end]``; ``plain`` is its dictionary form."""

    start: int
    end: int
    plain: str
    opens_sentence: bool


def find_suspects(
    text: str, words: Iterable[Word], lexicon: Lexicon, accepted: Set[str], budget: Budget
) -> Iterator[Suspect]:
    """Yield the misspelt words of ``text`` in order.

    ``accepted`` holds lower-case words that are right in this text. Unknown capitalised words in
    mid-sentence are names, and so are the same words elsewhere in the text, unless they are one
    edit away from a common word, as far as half of ``budget`` goes.
    """
    words = list(words)
    unknown = [suspect for word in words for suspect in _unknown(text, word, lexicon, accepted)]
    budget.spend(costs.KNOWN * len(words))
    budget.spend(sum(costs.unknown(lexicon, plain) for plain in {suspect.plain for suspect in unknown}))
    names = _names(unknown, lexicon, budget)
    return (suspect for suspect in unknown if _stem(suspect.plain) not in names)


def is_known(lexicon: Lexicon, plain: str) -> bool:
    """Whether ``plain`` needs no mark: in the dictionary, a single letter, an acronym, an inner capital."""
    if plain.lower() in WHOLE[lexicon.language.code] and not plain.isupper():
        return False
    if len(plain) == 1 or _ACRONYM.fullmatch(plain) or _has_inner_capital(plain):
        return True
    return lexicon.accepts(plain) or (lexicon.language.code == "en" and lexicon.accepts(_stem(plain)))


def _has_inner_capital(plain: str) -> bool:
    """As in "iPhone"; two patterns, because one that says both is tried from every letter of a long word."""
    return _INNER_CAPITAL.search(plain) is not None and _LETTERS.fullmatch(plain) is not None


def _unknown(text: str, word: Word, lexicon: Lexicon, accepted: Set[str]) -> Iterator[Suspect]:
    if word.skipped or _passes(word.plain, lexicon, accepted):
        return
    if "\n" in word.plain and _passes(word.plain.replace("-\n", ""), lexicon, accepted):
        return  # a word divided at the end of a line
    parts = hyphen_parts(text, word)
    if len(parts) == 1 and _begins_compound(text, word, lexicon):
        return
    for start, end in parts:
        plain = plain_form(text[start:end])
        if not _passes(plain, lexicon, accepted):
            yield Suspect(start, end, plain, word.opens_sentence and start == word.start)


def _passes(plain: str, lexicon: Lexicon, accepted: Set[str]) -> bool:
    lower = plain.lower()
    return lower in accepted or _stem(lower) in accepted or is_known(lexicon, plain)


def _begins_compound(text: str, word: Word, lexicon: Lexicon) -> bool:
    """The first half of "arbets- och familjeliv" is right only with its hyphen."""
    return text[word.end : word.end + 1] in tuple(HYPHENS) and lexicon.accepts(word.plain + "-")


def _names(unknown: Iterable[Suspect], lexicon: Lexicon, budget: Budget) -> set[str]:
    capitalised = dict.fromkeys(
        _stem(suspect.plain)
        for suspect in unknown
        if suspect.plain[:1].isupper() and not suspect.plain.isupper() and not suspect.opens_sentence
    )
    weighed = list(capitalised)[:_MAX_NAMES_WEIGHED]
    return set(capitalised) - {name for name in weighed if _is_slip(name, lexicon, budget)}


def _is_slip(name: str, lexicon: Lexicon, budget: Budget) -> bool:
    word = name.lower()
    units = most_units(lexicon, name, Effort.LISTED)
    if not _SHORTEST_SLIP <= len(word) <= _LONGEST_SLIP or not budget.affords(units, _NAMES_SHARE):
        return False
    texts, spent = search(lexicon, name, Effort.LISTED)
    budget.spend(spent)
    near = (found for found in texts if edit_distance(word, found.lower()) == 1)
    return any(lexicon.frequency(found) >= _needed_frequency(found) for found in near)


def _needed_frequency(found: str) -> float:
    """Pupils' names resemble other names (Karlson, Karlsson): only very common ones make a slip."""
    return _NAME_SLIP_FREQUENCY if found[0].isupper() else _SLIP_FREQUENCY


def _stem(plain: str) -> str:
    return _POSSESSIVE.sub("", plain)
