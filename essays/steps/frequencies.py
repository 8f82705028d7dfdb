"""How often the commonest words of a language are used, in a megabyte instead of a dictionary's ten."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from essays.steps.languages import LANGUAGES

LISTED_WORDS = 70_000
_CENTIBELS_OF_ONE_PER_BILLION = 900


class Frequencies:
    """The Zipf values of a language's listed words, sorted to be looked up where they lie."""

    def __init__(self, code: str) -> None:
        listed = sorted((word.encode(), hundredths) for word, hundredths in listed_words(code))
        self._words = b"".join(word for word, _ in listed)
        self._hundredths = array("H", (hundredths for _, hundredths in listed))
        self._starts = array("I", [0])
        for word, _ in listed:
            self._starts.append(self._starts[-1] + len(word))

    def zipf(self, word: str) -> float | None:
        """The Zipf value of a lower-case word (log10 of uses per billion words), None for an unlisted one."""
        wanted = word.encode("utf-8", "surrogatepass")
        place = bisect_left(range(len(self._hundredths)), wanted, key=self._word)
        if place == len(self._hundredths) or self._word(place) != wanted:
            return None
        return self._hundredths[place] / 100

    def _word(self, place: int) -> bytes:
        return self._words[self._starts[place] : self._starts[place + 1]]


@lru_cache(maxsize=len(LANGUAGES))
def frequencies_of(code: str) -> Frequencies:
    """The frequencies of one of ``LANGUAGES``, loaded at the first call: half a second."""
    return Frequencies(code)


def listed_words(code: str) -> Iterator[tuple[str, int]]:
    """The commonest words of a language with a hundred times their Zipf value, commonest first."""
    import wordfreq  # takes a tenth of a second, and is needed only where there are no tables yet

    found = 0
    for centibels, words in enumerate(wordfreq.get_frequency_list(code, "large")):
        plain = [word for word in words if word.replace("'", "").isalpha()]
        yield from ((word, max(_CENTIBELS_OF_ONE_PER_BILLION - centibels, 0)) for word in plain)
        found += len(plain)
        if found >= LISTED_WORDS:
            break
    # wordfreq keeps every list it has read: 40 MB that nobody asks for again.
    wordfreq.get_frequency_list.cache_clear()
