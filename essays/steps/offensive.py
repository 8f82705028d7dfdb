"""Which words are never offered to a pupil: obscene and insulting ones, from one list for each language."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from essays.steps.languages import LanguageCode

_POSSESSIVE = re.compile(r"['’]s?$")
_DOUBLED = re.compile(r"(.)\1+")


class StopList:
    """The words of ``offensive_<code>.txt``; a star stands for any letters, a minus sign for an exception."""

    def __init__(self, text: str) -> None:
        entries = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
        decent = [entry[1:] for entry in entries if entry.startswith("-")]
        barred = [entry for entry in entries if not entry.startswith("-")]
        self._words = frozenset(word for word in barred if "*" not in word)
        self._patterns = _any_of(word for word in barred if "*" in word)
        self._decent = _any_of(decent)
        self._run_together = frozenset(_undoubled(word) for word in self._words)

    def holds(self, text: str) -> bool:
        """True when ``text``, one of its words, or its words run together are on the list."""
        words = [_POSSESSIVE.sub("", word) for word in text.casefold().split()]
        parts = [part for word in words for part in word.split("-")]
        if any(map(self._holds_word, words)) or any(map(self._holds_word, parts)):
            return True
        joined = "".join(parts)
        return len(parts) > 1 and (self._holds_word(joined) or _undoubled(joined) in self._run_together)

    def lists(self, word: str) -> bool:
        """True when the lower-case ``word`` itself stands on the list, not only something like it."""
        return word in self._words

    def _holds_word(self, word: str) -> bool:
        if word in self._words:
            return True
        return self._patterns.fullmatch(word) is not None and not self._decent.fullmatch(word)


@lru_cache(maxsize=2)
def stop_list(code: LanguageCode) -> StopList:
    """The list of a language, read at the first call."""
    return StopList(Path(__file__).with_name(f"offensive_{code}.txt").read_text(encoding="utf-8"))


def _any_of(entries: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_pattern_of, entries)) or r"(?!)")


def _pattern_of(entry: str) -> str:
    """One entry's pattern; what is found in the middle of a word is not sought again behind it."""
    core = re.escape(entry.strip("*"))
    if entry.startswith("*") and entry.endswith("*"):
        return rf"(?>\w*?{core})\w*+"
    return re.escape(entry).replace(r"\*", r"\w*")


def _undoubled(word: str) -> str:
    return _DOUBLED.sub(r"\1", word)
