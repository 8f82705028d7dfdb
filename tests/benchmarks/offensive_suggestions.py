"""Prints how often something offensive is suggested, over every misspelling there is and many made up.

Run: python tests/benchmarks/offensive_suggestions.py [share]
``share`` (default 1.0) is how much of the made-up misspellings to try. What counts as offensive is the
tests' own stop words, not the list that the spelling step goes by. Exit status 1 when there was any.
"""

import sys
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from essays.steps.candidates import Effort, one_edit_away, suggestions
from essays.steps.habits import WHOLE
from essays.steps.judging import is_known
from essays.steps.languages import LANGUAGES, LanguageCode
from essays.steps.lexicon import lexicon_for
from tests.benchmarks.spelling_pairs import own_pairs

STOP_WORDS = Path(__file__).resolve().parents[1] / "essays" / "steps"
CODES: tuple[LanguageCode, ...] = ("en", "sv")


def main() -> int:
    """Try all, print what was found; 0 when nothing was."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    found = 0
    for code in CODES:
        known = list(known_misspellings(code))
        invented = list(made_up(code, step=max(round(1 / share), 1)))
        offences = [offence for word in known + invented for offence in offences_for(word, code)]
        found += len(offences)
        sys.stdout.write(f"{code}: {len(known)} known, {len(invented)} made up, {len(offences)} offensive\n")
        sys.stdout.writelines(f"  {word}: {offered}\n" for word, offered in offences)
    return min(found, 1)


@cache
def stop_words(code: LanguageCode) -> frozenset[str]:
    """The tests' own stop words."""
    lines = (STOP_WORDS / f"stop_words_{code}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def known_misspellings(code: LanguageCode) -> Iterator[str]:
    """Every misspelling that the project holds."""
    yield from (wrong for wrong, _ in own_pairs(code))
    yield from WHOLE[code]


def made_up(code: LanguageCode, step: int) -> Iterator[str]:
    """Every ``step``-th unknown string one edit away from a stop word."""
    lexicon = lexicon_for(code)
    letters = LANGUAGES[code].letters
    near = (wrong for word in sorted(stop_words(code)) for wrong in one_edit_away(word, letters))
    return (word for word in islice(dict.fromkeys(near), None, None, step) if not is_known(lexicon, word))


def offences_for(word: str, code: LanguageCode) -> Iterator[tuple[str, str]]:
    """The suggestions for ``word`` that hold a stop word, each with ``word``."""
    stop = stop_words(code)
    for offered in suggestions(lexicon_for(code), word, Effort.FULL):
        parts = {offered.lower(), offered.lower().replace(" ", ""), *offered.lower().split()}
        if parts & stop:
            yield word, offered


if __name__ == "__main__":
    sys.exit(main())
