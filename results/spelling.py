"""What pages show of the spelling of an essay and of a whole batch, beside the figures of every phase."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from results.lines import Line
from results.marks import SPELLCHECK

COMMON_LIMIT = 15


@dataclass(frozen=True)
class CommonMark:
    """A word that is marked often, with the suggestion given most often, or an empty one."""

    word: str
    suggestion: str
    count: int


def density(lines: Iterable[Line]) -> float | None:
    """Marks per 100 words over the checked essays in the batch's language; None before the first."""
    checked = [
        (line.words, line.phases[SPELLCHECK]["findings"])
        for line in lines
        if line.words and not line.stray and line.phases.get(SPELLCHECK, {}).get("findings") is not None
    ]
    words = sum(words for words, _ in checked)
    return 100 * sum(findings for _, findings in checked) / words if words else None


def common_marks(findings: Iterable[Mapping[str, Any]], limit: int = COMMON_LIMIT) -> list[CommonMark]:
    """The words marked most often, in any case."""
    written: dict[str, Counter[str]] = defaultdict(Counter)
    suggested: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        word = finding["word"].casefold()
        written[word][finding["word"]] += 1
        suggested[word].update(finding["suggestions"][:1])
    ranked = sorted(written, key=lambda word: (-written[word].total(), word))[:limit]
    return [
        CommonMark(first(written[word]), first(suggested[word]), written[word].total()) for word in ranked
    ]


def first(counted: "Counter[str]") -> str:
    """The most frequent one; the first by name among equals; empty when there is none."""
    return min(counted, key=lambda text: (-counted[text], text), default="")
