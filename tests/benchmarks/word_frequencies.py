"""Makes ``essays/steps/frequencies/*.txt`` from wordfreq, whose lists of forty languages take 60 MB.

Run: python tests/benchmarks/word_frequencies.py essays/steps/frequencies
"""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import wordfreq

LANGUAGES = ("en", "sv")
WORDS = 70_000  # and the rest of those that are as common as the last


def lines(code: str) -> Iterator[str]:
    """A head, and a line for each frequency: negative centibels, and the words that are so common."""
    yield f"# wordfreq {version('wordfreq')}: word frequencies by Robyn Speer and others, CC BY-SA 4.0."
    found = 0
    for centibels, words in enumerate(wordfreq.get_frequency_list(code, "large")):
        plain = [word for word in words if word.replace("'", "").isalpha()]
        if plain:
            yield " ".join([str(centibels), *plain])
        found += len(plain)
        if found >= WORDS:
            return


def main(folder: Path) -> None:
    """Write a file for each language."""
    for code in LANGUAGES:
        (folder / f"{code}.txt").write_text("".join(f"{line}\n" for line in lines(code)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
