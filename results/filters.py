"""Which rows of a batch's results a query asks for."""

from typing import Any

from results.shapes import ResultsQuery

MEASURES = ("words", "characters", "findings", "size")


def narrow(results: dict[str, Any], query: ResultsQuery) -> dict[str, Any]:
    """The results with only those essays and files that ``query`` asks for."""
    return {
        **results,
        "essays": [row for row in results["essays"] if essay_matches(row, query)],
        "files": [row for row in results["files"] if file_matches(row, query)],
    }


def essay_matches(row: dict[str, Any], query: ResultsQuery) -> bool:
    """True when an essay's row is asked for."""
    step = row["spellcheck"]
    if query.step is not None and step is None:
        return False
    error = (step or {}).get("error")
    measures = {**row, "findings": (step or {}).get("findings")}
    return common_matches(row, error, query) and measures_match(measures, query)


def file_matches(row: dict[str, Any], query: ResultsQuery) -> bool:
    """True when the row of a file that is no essay is asked for."""
    return query.step is None and common_matches(row, row["error"], query) and measures_match(row, query)


def common_matches(row: dict[str, Any], error: dict[str, Any] | None, query: ResultsQuery) -> bool:
    """Name, format, status and error code."""
    code = error["error_code"] if error else None
    return (
        query.q.casefold() in row["filename"].casefold()
        and query.format in (None, row["format"])
        and query.status in (None, row["status"])
        and query.error_code in (None, code)
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
