"""What the results page says about a batch: figures, kinds, problems, measures of its phases, all rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from batches.models import Batch
from essays.languages import is_stray, language_of
from files.models import FileUpload
from files.records import shown_words
from files.steps.format import UNKNOWN
from huleedu.answers import format_words
from huleedu.answers.error_words import in_words, words_for
from huleedu.events.phases import PHASES
from results import measuring, spelling
from results.models import EssayResult
from results.queries import Counts, counts_of, essay_results, phase_figures

MOST_BARS = 8
WIDTHS = (25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10_000)

Row = dict[str, Any]


@dataclass(frozen=True)
class Filters:
    """Which rows to show: part of the file name, the kind, the file's status. Empty shows all."""

    q: str = ""
    format: str = ""
    status: str = ""

    def match(self, row: Row) -> bool:
        """True when the row is wanted."""
        return (
            self.q.casefold() in row["filename"].casefold()
            and self.format in ("", row["format"] or UNKNOWN)
            and self.status in ("", row["status"])
        )


def results_context(batch: Batch, filters: Filters) -> dict[str, Any]:
    """All that the results page shows of a batch; only its rows are filtered."""
    rows = rows_of(batch)
    return {
        "tiles": tiles(counts_of(batch), batch.expected_essay_count, rows),
        "left_out": [row for row in rows if row["stray"]],
        "histogram": histogram(word_counts(rows)),
        "kinds": kinds(rows),
        "common": spelling.common_marks(spelling.stored_findings(batch)),
        "columns": measuring.columns(batch),
        "sections": measuring.sections(batch, rows),
        "wholes": measuring.of_whole(batch),
        "rows": [row for row in rows if filters.match(row)],
        "problems": problems(rows),
        "phases": phase_lines(batch),
        "filters": filters,
    }


def rows_of(batch: Batch) -> list[Row]:
    """Every file that was not removed: essays by their numbers, then the others by name; two queries."""
    results = {result.file_id: result for result in essay_results(batch)}
    files = FileUpload.objects.filter(batch=batch).present().select_related("slot")
    rows = [row_of(upload, results.get(upload.pk), batch) for upload in files]
    return sorted(
        rows, key=lambda row: (row["number"] is None, row["number"] or 0, row["filename"].casefold())
    )


def row_of(upload: FileUpload, result: EssayResult | None, batch: Batch) -> Row:
    """One file with its essay's figures, as far as they are known; ``stray``: not in the batch's language."""
    assigned = upload.status == FileUpload.Status.ASSIGNED
    steps = result.phases if result and assigned else {}
    error = upload.error or first_error(steps) or {}
    return {
        "number": upload.slot.number if assigned and upload.slot else None,
        "file_upload_id": upload.pk,
        "filename": upload.filename,
        "folder": upload.folder,
        "format": upload.format,
        "size": upload.size,
        "status": upload.status,
        "words": shown_words(upload),
        "steps": steps,
        "cells": measuring.cells(batch, steps),
        "language": language_of(upload, batch),
        "stray": assigned and is_stray(upload, batch),
        "error_code": error.get("error_code", ""),
    }


def essays_context(batch: Batch) -> dict[str, Any]:
    """The batch's essays as lists show them, and what heads their figures."""
    return {"essays": essay_rows(batch), "columns": measuring.columns(batch)}


def essay_rows(batch: Batch) -> list[dict[str, Any]]:
    """The batch's essays by number, with their figures and states; one query."""
    return [essay_line(result, batch) for result in essay_results(batch)]


def essay_line(result: EssayResult, batch: Batch) -> dict[str, Any]:
    """One essay as lists show it."""
    return {
        "number": result.slot.number,
        "essay_id": result.slot_id,
        "filename": result.file.filename,
        "folder": result.file.folder,
        "status": result.slot.status,
        "words": result.words,
        "cells": measuring.cells(batch, result.phases),
        "language": language_of(result.file, batch),
        "stray": is_stray(result.file, batch),
        "error": in_words(first_error(result.phases)),
    }


def first_error(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """What went wrong on an essay, in the order of its phases."""
    return next((kept["error"] for kept in steps.values() if kept.get("error")), None)


def tiles(counts: Counts, expected: int, rows: Sequence[Row]) -> dict[str, Any]:
    """The headline figures; ``median_words`` and ``density`` (marks per 100 words) are None if not known.

    These two are of the essays in the batch's language.
    """
    lengths = word_counts(rows)
    return {
        "ready": counts.assigned,
        "expected": expected,
        "median_words": round(median(lengths)) if lengths else None,
        "density": spelling.density(rows),
        "attention": counts.attention,
    }


def word_counts(rows: Iterable[Row]) -> list[int]:
    """The lengths in words of the essays in the batch's language."""
    return [
        row["words"]
        for row in rows
        if row["number"] is not None and row["words"] is not None and not row["stray"]
    ]


def histogram(lengths: Sequence[int]) -> list[dict[str, Any]]:
    """At most eight bars of one round width from the shortest to the longest; the highest is 100 per cent."""
    if not lengths:
        return []
    width = next((one for one in WIDTHS if max(lengths) // one - min(lengths) // one < MOST_BARS), WIDTHS[-1])
    counted = Counter(length // width for length in lengths)
    highest = max(counted.values())
    return [
        {
            "label": f"{step * width}–{step * width + width - 1}",
            "count": counted[step],
            "height_percent": 100 * counted[step] / highest,
        }
        for step in range(min(counted), max(counted) + 1)
    ]


def kinds(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The kinds of files, most frequent first; files that were never recognised are one kind."""
    counted = Counter(row["format"] or UNKNOWN for row in rows)
    return [
        {
            "format": name,
            "label": format_words.label(name),
            "count": count,
            "percent": 100 * count / len(rows),
        }
        for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def problems(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What went wrong, most frequent first."""
    counted = Counter(row["error_code"] for row in rows if row["error_code"])
    return [
        {"error_code": code, "title": str(words_for(code).title), "count": count}
        for code, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def phase_lines(batch: Batch) -> list[dict[str, Any]]:
    """Each phase of the present run; before it has concluded, its counts so far."""
    figures = phase_figures(batch)
    so_far = steps_so_far(batch) if any(one["succeeded"] is None for one in figures.values()) else Counter()
    return [
        {
            "phase": phase,
            "name": PHASES[phase].words.name,
            "status": one["status"],
            "succeeded": one["succeeded"] if one["succeeded"] is not None else so_far[phase, "succeeded"],
            "failed": one["failed"] if one["failed"] is not None else so_far[phase, "failed"],
            "duration_ms": one["duration_ms"],
        }
        for phase, one in figures.items()
    ]


def steps_so_far(batch: Batch) -> "Counter[tuple[str, str]]":
    """How many essays have each status in each phase, from the results."""
    stored = essay_results(batch).values_list("phases", flat=True)
    return Counter((phase, one["status"]) for phases in stored for phase, one in phases.items())
