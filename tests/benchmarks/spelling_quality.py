"""Prints how well misspellings are found and corrected, beside plain hunspell in the same run.

Run: python tests/benchmarks/spelling_quality.py [--mistakes]
Undetected words count as wrong. The hunspell column takes the first of its own suggestions; for English
it may use en_US and en_GB too.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from essays.steps.languages import LanguageCode
from essays.steps.lexicon import Lexicon, lexicon_for
from essays.steps.spellcheck import spellcheck
from tests.benchmarks.spelling_pairs import Pair, open_pairs, own_pairs
from tests.samples.marked import marked_essay

Suggest = Callable[[str], Sequence[str] | None]
LANGUAGES: tuple[LanguageCode, ...] = ("en", "sv")


@dataclass
class Tally:
    """Counts of one engine on one set."""

    detected: int = 0
    first: int = 0
    listed: int = 0
    seconds: float = 0.0


def main() -> None:
    """Print every table."""
    write(f"{'set':24}{'engine':10}{'pairs':>6}{'found':>8}{'top-1':>8}{'top-5':>8}{'words/s':>9}")
    for language in LANGUAGES:
        lexicon_for(language)
        compare(f"{language} published (fitted)", open_pairs(language), language)
        compare(f"{language} own, not fitted", own_pairs(language)[1::2], language)
    for language in LANGUAGES:
        essays(language)


def compare(title: str, pairs: Sequence[Pair], language: LanguageCode) -> None:
    """One row for this project and one for hunspell."""
    for engine, suggest in (("huleedu", ours(language)), ("hunspell", plain_hunspell(language))):
        tally = measure(pairs, suggest, show="--mistakes" in sys.argv and engine == "huleedu")
        count = max(len(pairs), 1)
        shares = "".join(f"{value / count:8.1%}" for value in (tally.detected, tally.first, tally.listed))
        write(f"{title:24}{engine:10}{len(pairs):6}{shares}{count / max(tally.seconds, 1e-9):9.0f}")


def measure(pairs: Sequence[Pair], suggest: Suggest, show: bool) -> Tally:
    """Run one engine over ``pairs``."""
    tally = Tally()
    began = time.perf_counter()
    for wrong, right in pairs:
        found = suggest(wrong)
        tally.detected += found is not None
        tally.first += bool(found) and found is not None and found[0] in right
        tally.listed += any(word in right for word in (found or ())[:5])
        if show and (not found or found[0] not in right):
            write(f"    {wrong} -> {found}, not {'|'.join(sorted(right))}")
    tally.seconds = time.perf_counter() - began
    return tally


def ours(language: LanguageCode) -> Suggest:
    """The step itself on one word; None when it finds nothing."""

    def suggest(word: str) -> Sequence[str] | None:
        findings = spellcheck(word, language).findings
        return findings[0].suggestions if findings else None

    return suggest


def plain_hunspell(language: LanguageCode) -> Suggest:
    """Hunspell's dictionaries and suggestions as they are."""
    lexicon: Lexicon = lexicon_for(language)

    def suggest(word: str) -> Sequence[str] | None:
        return None if lexicon.accepts(word) else lexicon.dictionary_suggestions(word)

    return suggest


def essays(language: LanguageCode) -> None:
    """Recall, precision and first suggestions on the marked essay."""
    text, errors = marked_essay(language)
    findings = spellcheck(text, language).findings
    found = {(each.start, each.end): each.suggestions[:1] for each in findings}
    hits = found.keys() & errors.keys()
    right = sum(not errors[place].isdisjoint(found[place]) for place in hits)
    write(
        f"marked essay {language}: {len(errors)} errors, recall {len(hits) / len(errors):.3f}, "
        f"precision {len(hits) / len(found):.3f}, top-1 {right}"
    )


def write(line: str) -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
