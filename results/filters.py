"""Which rows of a batch's results a query asks for."""

from typing import Any

from huleedu.events.phases import essay_phases
from results.shapes import ResultsQuery

MEASURES = ("words", "characters", "size", *(bound for phase in essay_phases() for bound in phase.bounds))


def narrow(results: dict[str, Any], query: ResultsQuery) -> dict[str, Any]:
    """The results with only those essays and files that ``query`` asks for."""
    return {
        **results,
        "essays": [row for row in results["essays"] if essay_matches(row, query)],
        "files": [row for row in results["files"] if file_matches(row, query)],
    }


def essay_matches(row: dict[str, Any], query: ResultsQuery) -> bool:
    """True when an essay's row is asked for."""
    ended = {phase.name: row[phase.name] for phase in essay_phases() if row[phase.name]}
    if query.step is not None and query.step not in ended:
        return False
    figures = {
        bound: (ended.get(phase.name) or {}).get(bound) for phase in essay_phases() for bound in phase.bounds
    }
    errors = [step["error"] for step in ended.values() if step["error"]]
    return common_matches(row, errors, query) and measures_match({**row, **figures}, query)


def file_matches(row: dict[str, Any], query: ResultsQuery) -> bool:
    """True when the row of a file that is no essay is asked for."""
    return (
        query.step is None
        and common_matches(row, [row["error"]] if row["error"] else [], query)
        and measures_match(row, query)
    )


def common_matches(row: dict[str, Any], errors: list[dict[str, Any]], query: ResultsQuery) -> bool:
    """Name, format, status and error code."""
    return (
        query.q.casefold() in row["filename"].casefold()
        and query.format in (None, row["format"])
        and query.status in (None, row["status"])
        and (query.error_code is None or query.error_code in [error["error_code"] for error in errors])
    )


def measures_match(values: dict[str, Any], query: ResultsQuery) -> bool:
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
