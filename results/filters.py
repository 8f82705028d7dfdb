"""Which rows of a batch's results a query asks for."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from files.shapes import FileRecord
from huleedu.events.phases import essay_phases
from huleedu.folding import matches
from results.shapes import EssayRow, ResultsAnswer, ResultsQuery

MEASURES = ("words", "characters", "size", *(bound for phase in essay_phases() for bound in phase.bounds))


def narrow(results: ResultsAnswer, query: ResultsQuery) -> ResultsAnswer:
    """The results with only those essays and files that ``query`` asks for."""
    return results.model_copy(
        update={
            "essays": [row for row in results.essays if essay_matches(row, query)],
            "files": [row for row in results.files if file_matches(row, query)],
        }
    )


def essay_matches(row: EssayRow, query: ResultsQuery) -> bool:
    """True when an essay's row is asked for."""
    ended = {phase.name: step.model_dump() for phase in essay_phases() if (step := step_of(row, phase.name))}
    if query.step is not None and query.step not in ended:
        return False
    figures = {
        bound: ended.get(phase.name, {}).get(bound) for phase in essay_phases() for bound in phase.bounds
    }
    codes = [step["error"]["error_code"] for step in ended.values() if step["error"]]
    values = {"words": row.words, "characters": row.characters, "size": row.size, **figures}
    return common_matches(row, codes, query) and measures_match(values, query)


def step_of(row: EssayRow, phase: str) -> BaseModel | None:
    """What the row has of a phase: a field of its own."""
    found = getattr(row, phase)
    return found if isinstance(found, BaseModel) else None


def file_matches(row: FileRecord, query: ResultsQuery) -> bool:
    """True when the row of a file that is no essay is asked for."""
    codes = [row.error.error_code] if row.error else []
    return (
        query.step is None
        and common_matches(row, codes, query)
        and measures_match({"words": row.words, "size": row.size}, query)
    )


def common_matches(row: EssayRow | FileRecord, codes: Iterable[str], query: ResultsQuery) -> bool:
    """Name, format, status and error code."""
    return (
        matches(query.q, row.filename, row.folder)
        and query.format in (None, row.format)
        and query.status in (None, row.status)
        and (query.error_code is None or query.error_code in codes)
    )


def measures_match(values: Mapping[str, Any], query: ResultsQuery) -> bool:
    """True when every measure lies within its bounds; an unknown one lies in none."""
    return all(
        within(values.get(name), getattr(query, f"min_{name}"), getattr(query, f"max_{name}"))
        for name in MEASURES
    )


def within(value: int | None, smallest: int | None, largest: int | None) -> bool:
    """True when ``value`` is not outside the bounds that are given."""
    if smallest is None and largest is None:
        return True
    if value is None:
        return False
    return (smallest is None or value >= smallest) and (largest is None or value <= largest)
