"""What looking for a word costs, in units of about a microsecond of a usual processor.

By language and length of the word alone, so that they are the same everywhere: measured on random, repeated
and compound letters of each length, and rounded up. A search that was not needed is not counted.
"""

from bisect import bisect_left

from essays.steps.habits import rewritings
from essays.steps.lexicon import Lexicon

KNOWN = 5  # a word that a dictionary holds, of any length
# Of a capitalised word a dictionary tries one more form, of one in capitals two more.
_FORMS = 5  # in all three cases together
# Hunspell's own search is dearest for middling words: the longest word of each price, and the prices.
_LENGTHS = (4, 6, 8, 14, 17)
_FULL = {"sv": (60_000, 115_000, 185_000, 265_000, 170_000, 120_000)}
_FULL["en"] = (60_000, 105_000, 160_000, 195_000, 125_000, 110_000)


def spelling(lexicon: Lexicon, letters: int) -> int:
    """Asking whether a lower-case word is in a dictionary that does not hold it."""
    if lexicon.language.code == "sv":  # with its compounds
        return 5 * letters + letters * letters // 25
    return 8 + letters


def unknown(lexicon: Lexicon, plain: str) -> int:
    """Finding out that ``plain`` is in no dictionary."""
    forms = 1 if plain.islower() else 2 if plain[1:].islower() else 3
    return forms * spelling(lexicon, len(plain))


def listed(lexicon: Lexicon, word: str) -> int:
    """Looking for a lower-case word in the list, by its letters, its sound and by pupils' habits."""
    read = sum(1 for _ in rewritings(word, lexicon.language.code))
    return (4_500 if len(word) < 6 else 2_500) + _FORMS * (read + 1) * spelling(lexicon, len(word))


def edited(lexicon: Lexicon, word: str) -> int:
    """Asking for every word that is one edit away."""
    edits = (2 * len(word) + 1) * len(lexicon.language.letters) + 2 * len(word)
    return edits * spelling(lexicon, len(word) + 1)


def full(lexicon: Lexicon, word: str) -> int:
    """Hunspell's own suggestions, and asking for each of them."""
    return _FULL[lexicon.language.code][bisect_left(_LENGTHS, len(word))]
