"""The text analysis: lengths, readability, variety and rarity of the words of one text. Pure, and no grade.

Each figure is None for a text it says nothing about: too short, or in a language it was not made for.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lgamma
from statistics import fmean

from essays.steps.languages import LANGUAGES
from essays.steps.syllables import count_syllables
from essays.steps.words import find_words

# McCarthy and Jarvis (2010), Behavior Research Methods 42: a stretch of words ends where its share of
# different words falls to this; they tried texts of 100 words and more.
MTLD_THRESHOLD = 0.72
MTLD_LEAST_WORDS = 100
HDD_SAMPLE = 42
LONG_WORD_LETTERS = 7
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n")


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the analysis of one text gives; ``words`` counts every word and number."""

    words: int
    sentences: int
    paragraphs: int
    sentence_words: float | None
    paragraph_words: float | None
    lix: float | None
    flesch: float | None
    mtld: float | None
    hdd: float | None
    zipf: float | None


def analyse(text: str, language: str, zipf_of: Callable[[str], float | None]) -> Analysis:
    """The figures of ``text`` in ``language``, a code or empty when it is not known.

    ``zipf_of`` gives a lower-case word's Zipf value, None for one it does not know. Time grows with the
    length of the text only.
    """
    known = LANGUAGES.get(language)
    words = list(find_words(text, known.abbreviations if known else frozenset()))
    plain = [word.plain.lower() for word in words]
    sentences = sum(word.opens_sentence for word in words)
    paragraphs = sum(bool(part.strip()) for part in _BLANK_LINES.split(text))
    return Analysis(
        words=len(words),
        sentences=sentences,
        paragraphs=paragraphs,
        sentence_words=ratio(len(words), sentences),
        paragraph_words=ratio(len(words), paragraphs),
        lix=lix(plain, sentences) if language == "sv" else None,
        flesch=flesch(plain, sentences) if language == "en" else None,
        mtld=mtld(plain),
        hdd=hdd(plain),
        zipf=mean_zipf(plain, zipf_of) if known else None,
    )


def ratio(number: int, of: int) -> float | None:
    """``number / of``, None for none."""
    return round(number / of, 1) if of else None


def lix(words: Sequence[str], sentences: int) -> float | None:
    """Readability index: words per sentence plus the percentage of words of more than six letters.

    Björnsson, C.-H. (1968), Läsbarhet. About 30 is easy, 40 a newspaper, 60 an official text.
    """
    if not words or not sentences:
        return None
    long_words = sum(sum(map(str.isalpha, word)) >= LONG_WORD_LETTERS for word in words)
    return round(len(words) / sentences + 100 * long_words / len(words), 1)


def flesch(words: Sequence[str], sentences: int) -> float | None:
    """Reading ease: 206.835 - 1.015 words per sentence - 84.6 syllables per word; higher is easier.

    Flesch, R. (1948), Journal of Applied Psychology 32. Syllables are counted by rule (``syllables``).
    """
    if not words or not sentences:
        return None
    syllables = sum(map(count_syllables, words))
    return round(206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words), 1)


def mtld(words: Sequence[str]) -> float | None:
    """Measure of textual lexical diversity: the mean length of stretches that keep ``MTLD_THRESHOLD``.

    The mean of reading forwards and backwards. McCarthy and Jarvis (2010). None below ``MTLD_LEAST_WORDS``,
    and for a text in which no word comes twice.
    """
    if len(words) < MTLD_LEAST_WORDS:
        return None
    factors = [count_factors(words), count_factors(words[::-1])]
    return round(fmean(len(words) / each for each in factors), 1) if all(factors) else None


def count_factors(words: Sequence[str]) -> float:
    """How many stretches ``words`` have; the last one counts as far as it has come."""
    factors, types, tokens = 0.0, set[str](), 0
    for word in words:
        tokens += 1
        types.add(word)
        if len(types) / tokens <= MTLD_THRESHOLD:
            factors, types, tokens = factors + 1, set(), 0
    if tokens:
        factors += (1 - len(types) / tokens) / (1 - MTLD_THRESHOLD)
    return factors


def hdd(words: Sequence[str]) -> float | None:
    """HD-D: the share of different words to expect among ``HDD_SAMPLE`` drawn from the text, 0 to 1.

    The sum over words of the chance (hypergeometric) to be in the sample, divided by its size. McCarthy and
    Jarvis (2007), Language Testing 24. None for a text of fewer words than the sample.
    """
    total = len(words)
    if total < HDD_SAMPLE:
        return None
    absent = sum(chance_to_be_absent(count, total) for count in Counter(words).values())
    return round((len(set(words)) - absent) / HDD_SAMPLE, 3)


def chance_to_be_absent(count: int, total: int) -> float:
    """That none of ``count`` among ``total`` words is in a sample of ``HDD_SAMPLE``, drawn at once."""
    if total - count < HDD_SAMPLE:
        return 0.0
    # (total - count choose sample) / (total choose sample)
    ways = lgamma(total - count + 1) - lgamma(total - count - HDD_SAMPLE + 1)
    return float(pow(2.718281828459045, ways - lgamma(total + 1) + lgamma(total - HDD_SAMPLE + 1)))


def mean_zipf(words: Sequence[str], zipf_of: Callable[[str], float | None]) -> float | None:
    """The mean Zipf value of the different words that a list of usual words knows; lower is rarer.

    Zipf value: log10 of uses per billion words (van Heuven et al. 2014, Q. J. Exp. Psychology 67). Words the
    list lacks are mostly names, compounds and misspellings, so they are left out.
    """
    known = [value for value in map(zipf_of, sorted(set(words))) if value is not None]
    return round(fmean(known), 2) if known else None
