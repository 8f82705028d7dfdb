"""What a batch is made of: formats, sizes, words, failures, duplicates, and the time steps take."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from batches.models import Batch
from essays.languages import is_stray, language_of
from essays.models import StepRun
from files.actions.reading import EXTRACT
from files.models import FileUpload
from files.records import shown_words

KILOBYTE = 1024
SIZE_BOUNDS = [0, 10 * KILOBYTE, 50 * KILOBYTE, 200 * KILOBYTE, 1024 * KILOBYTE, 5 * 1024 * KILOBYTE]
WORD_BOUNDS = [0, 100, 250, 500, 1000, 2000]


def analytics(batch: Batch) -> dict[str, Any]:
    """The batch's composition, by two queries. Sizes in bytes, times in milliseconds."""
    files = list(
        FileUpload.objects.filter(batch=batch).present().select_related("slot").order_by("created_at", "pk")
    )
    ended = StepRun.objects.filter(slot__batch=batch, status__in=StepRun.ENDED)
    runs = list(ended.select_related("slot").defer("output"))
    present = [run for run in runs if run.revision == run.slot.revision]
    return {
        "batch_id": batch.pk,
        "files": len(files),
        "statuses": dict(Counter(upload.status for upload in files)),
        "formats": formats(files),
        "sizes": distribution([upload.size for upload in files], SIZE_BOUNDS),
        "words": distribution(
            [
                words
                for upload in files
                if (words := shown_words(upload)) is not None and not is_stray(upload, batch)
            ],
            WORD_BOUNDS,
        ),
        "failures": failures(files, present),
        "duplicates": duplicates(files),
        "left_out": left_out(batch, files),
        "steps": step_times(batch, files, runs),
    }


def formats(files: list[FileUpload]) -> list[dict[str, Any]]:
    """Number and size of the files of each format, the most frequent first."""
    sizes: defaultdict[str | None, list[int]] = defaultdict(list)
    for upload in files:
        sizes[upload.format].append(upload.size)
    rows = [{"format": name, "count": len(values), "size": sum(values)} for name, values in sizes.items()]
    return sorted(rows, key=lambda row: (-len(sizes[row["format"]]), str(row["format"])))


def distribution(values: Sequence[int], bounds: list[int]) -> dict[str, Any]:
    """Spread and histogram of ``values``; ``bounds`` are where the bins start."""
    return {"spread": spread(values), "histogram": histogram(values, bounds)}


def spread(values: Sequence[int]) -> dict[str, Any] | None:
    """Smallest, median, largest and sum; None without values."""
    if not values:
        return None
    return {
        "min": min(values),
        "median": statistics.median(values),
        "max": max(values),
        "total": sum(values),
    }


def histogram(values: Sequence[int], bounds: list[int]) -> list[dict[str, Any]]:
    """How many values lie from each bound up to the next; the last bin is open."""
    ends: list[int | None] = [*bounds[1:], None]
    return [
        {
            "start": start,
            "end": end,
            "count": sum(start <= value and (end is None or value < end) for value in values),
        }
        for start, end in zip(bounds, ends, strict=True)
    ]


def failures(files: list[FileUpload], runs: list[StepRun]) -> list[dict[str, Any]]:
    """Failed files and failed steps by error code, the most frequent first."""
    of_files = [
        (upload.error["error_code"], EXTRACT)
        for upload in files
        if upload.status == FileUpload.Status.FAILED and upload.error
    ]
    of_steps = [(run.error["error_code"], run.phase) for run in runs if run.error]
    counted = Counter([*of_files, *of_steps])
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [{"error_code": code, "step": step, "count": count} for (code, step), count in ordered]


def duplicates(files: list[FileUpload]) -> list[dict[str, Any]]:
    """Files that repeat another's text, by that other."""
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for upload in files:
        if upload.status == FileUpload.Status.DUPLICATE and upload.duplicate_of_id is not None:
            groups[upload.duplicate_of_id].append(upload.pk)
    return [{"duplicate_of": original, "file_upload_ids": copies} for original, copies in groups.items()]


def left_out(batch: Batch, files: list[FileUpload]) -> list[dict[str, Any]]:
    """The essays in another language than their batch, by number."""
    strays = [
        {
            "essay_id": upload.slot.pk,
            "number": upload.slot.number,
            "file_upload_id": upload.pk,
            "filename": upload.filename,
            "language": language_of(upload, batch) or None,
        }
        for upload in files
        if upload.status == FileUpload.Status.ASSIGNED and upload.slot and is_stray(upload, batch)
    ]
    return sorted(strays, key=lambda stray: int(stray["number"]))


def step_times(batch: Batch, files: list[FileUpload], runs: list[StepRun]) -> dict[str, Any]:
    """Median and 95th percentile of extraction and of each step."""
    reading = [upload.duration_ms for upload in files if upload.duration_ms is not None]
    times = {EXTRACT: reading}
    for step in batch.settings.steps:
        times[step] = [run.duration_ms for run in runs if run.phase == step and run.started_at is not None]
    return {step: times_of(values) for step, values in times.items()}


def times_of(values: Sequence[int]) -> dict[str, Any]:
    """Number, median and 95th percentile of durations."""
    return {
        "runs": len(values),
        "median_ms": statistics.median(values) if values else None,
        "p95_ms": percentile(values, 95) if values else None,
    }


def percentile(values: Sequence[int], percent: int) -> float:
    """The smallest value that at least ``percent`` of all do not exceed."""
    ordered = sorted(values)
    place = -(-percent * len(ordered) // 100)  # rounded up
    return float(ordered[max(place, 1) - 1])
