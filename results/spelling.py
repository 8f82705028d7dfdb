"""What pages show of the spelling of an essay and of a whole batch, beside the figures of every phase."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from essays.accepted import fold
from essays.steps.findings import density
from results.lines import FileLine
from results.marks import SPELLCHECK
from results.outliers import Of

COMMON_LIMIT = 15


@dataclass(frozen=True)
class CommonMark:
    """A word that is marked often, with the suggestion given most often, or an empty one.

    ``essays`` have it; it is at ``start`` of the first of them, which is ``number``.
    """

    word: str
    suggestion: str
    count: int
    essays: int = 0
    number: int = 0
    start: int = 0


def densities(lines: Iterable[FileLine]) -> list[Of]:
    """Marks per 100 words of each checked essay in the batch's language."""
    return [
        Of(line.number, density(line.phases[SPELLCHECK]["findings"], line.words))
        for line in lines
        if line.number is not None and line.words and not line.stray
        if line.phases.get(SPELLCHECK, {}).get("findings") is not None
    ]


def common_marks(findings: Iterable[Mapping[str, Any]], limit: int = COMMON_LIMIT) -> list[CommonMark]:
    """The words marked most often, in any case; ``findings`` have the ``number`` of their essay."""
    written: dict[str, Counter[str]] = defaultdict(Counter)
    suggested: dict[str, Counter[str]] = defaultdict(Counter)
    places: dict[str, dict[int, int]] = defaultdict(dict)
    for finding in findings:
        word = fold(finding["word"])
        written[word][finding["word"]] += 1
        suggested[word].update(finding["suggestions"][:1])
        places[word].setdefault(finding["number"], finding["start"])
    ranked = sorted(written, key=lambda word: (-written[word].total(), word))[:limit]
    return [
        CommonMark(
            word=first(written[word]),
            suggestion=first(suggested[word]),
            count=written[word].total(),
            essays=len(places[word]),
            number=min(places[word]),
            start=places[word][min(places[word])],
        )
        for word in ranked
    ]


def first(counted: "Counter[str]") -> str:
    """The most frequent one; the first by name among equals; empty when there is none."""
    return min(counted, key=lambda text: (-counted[text], text), default="")
