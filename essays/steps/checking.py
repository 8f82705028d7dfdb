"""The job of checking one text's spelling in a process of its own (``files.steps.child``).

Arguments: the folder of prepared tables, the language's code, the units of work that the text may cost. A
warm process is told several languages, separated by commas. Two outcomes: the marks, then the same with
suggestions.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from essays.steps.budget import Budget
from essays.steps.findings import SPELLCHECK_FAILED, Finding
from essays.steps.languages import LanguageCode
from essays.steps.lexicon import keep_tables_in
from essays.steps.spellcheck import find_marks, suggest, warm
from files.steps.child import Work

KNOWN: dict[str, LanguageCode] = {"sv": "sv", "en": "en"}


def load(arguments: Sequence[str]) -> None:
    """Load the dictionaries, and everything else that is read from files."""
    folder, codes, *_ = arguments
    keep_tables_in(Path(folder))
    for code in codes.split(","):
        warm(KNOWN[code])


def outcomes(data: bytes, arguments: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """Marks without suggestions, which are there if more is too much, and marks with them."""
    _, code, units = arguments
    budget = Budget(int(units))
    marks = find_marks(data.decode("utf-8"), KNOWN[code], (), budget)
    yield told(marks.words, marks.engine, marks.findings, fewer=True)
    report = suggest(marks, budget)
    yield told(marks.words, marks.engine, report.findings, fewer=report.fewer_suggestions)


def told(words: int, engine: str, findings: Sequence[Finding], *, fewer: bool) -> Mapping[str, object]:
    """An outcome without what whoever has the text knows."""
    rows = [(finding.start, finding.end, finding.suggestions) for finding in findings]
    return {"words": words, "engine": engine, "fewer_suggestions": fewer, "findings": rows}


WORK = Work(load, outcomes, SPELLCHECK_FAILED)
