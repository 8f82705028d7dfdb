"""Makes ``files/steps/common_words.txt`` from the package wordfreq.

Run: python tests/benchmarks/common_words.py > files/steps/common_words.txt
"""

import re
import sys
from collections.abc import Iterator

import wordfreq

LANGUAGES = [
    "ar",
    "bg",
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "fa",
    "fi",
    "fil",
    "fr",
    "he",
    "hi",
    "hu",
    "id",
    "is",
    "it",
    "lt",
    "lv",
    "mk",
    "nb",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sh",
    "sk",
    "sl",
    "sv",
    "tr",
    "uk",
    "ur",
]
WORDS = 300
HEAD = (
    "# The 300 commonest words of languages, commonest first, from wordfreq (Robyn Speer and others,",
    "# CC BY-SA 4.0). Made by tests/benchmarks/common_words.py.",
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def lines() -> Iterator[str]:
    """The file's lines."""
    yield from HEAD
    for code in LANGUAGES:
        words = (word for word in wordfreq.iter_wordlist(code, "small") if _WORD.fullmatch(word))
        yield " ".join([code, *(word for word, _ in zip(words, range(WORDS), strict=False))])


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
