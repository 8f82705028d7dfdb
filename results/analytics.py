"""What a batch is made of: formats, sizes, words, failures, duplicates, and the time steps take."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from batches.models import Batch
from essays.languages import is_stray, language_of
from essays.models import StepRun
from files.actions.reading import EXTRACT
from files.models import FileUpload
from files.records import shown_words
from results.same_texts import same_texts
from results.shapes import (
    Analytics,
    Bin,
    Distribution,
    DuplicateGroup,
    FailureCount,
    FormatCount,
    LeftOut,
    Spread,
    StepTimes,
)

KILOBYTE = 1024
SIZE_BOUNDS = [0, 10 * KILOBYTE, 50 * KILOBYTE, 200 * KILOBYTE, 1024 * KILOBYTE, 5 * 1024 * KILOBYTE]
WORD_BOUNDS = [0, 100, 250, 500, 1000, 2000]


def analytics(batch: Batch) -> Analytics:
    """The batch's composition, by four queries. Sizes in bytes, times in milliseconds."""
    files = list(
        FileUpload.objects.filter(batch=batch).present().select_related("slot").order_by("created_at", "pk")
    )
    ended = StepRun.objects.filter(slot__batch=batch, status__in=StepRun.ENDED)
    runs = list(ended.select_related("slot").defer("output"))
    present = [run for run in runs if run.revision == run.slot.revision]
    facts = {
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
        "same_texts": same_texts(batch),
        "left_out": left_out(batch, files),
        "steps": step_times(batch, files, runs),
    }
    return Analytics.model_validate(facts)


def formats(files: list[FileUpload]) -> list[FormatCount]:
    """Number and size of the files of each format, the most frequent first."""
    sizes: defaultdict[str | None, list[int]] = defaultdict(list)
    for upload in files:
        sizes[upload.format].append(upload.size)
    rows = [FormatCount(format=name, count=len(values), size=sum(values)) for name, values in sizes.items()]
    return sorted(rows, key=lambda row: (-row.count, str(row.format)))


def distribution(values: Sequence[int], bounds: list[int]) -> Distribution:
    """Spread and histogram of ``values``; ``bounds`` are where the bins start."""
    return Distribution(spread=spread(values), histogram=histogram(values, bounds))


def spread(values: Sequence[int]) -> Spread | None:
    """Smallest, median, largest and sum; None without values."""
    if not values:
        return None
    return Spread(min=min(values), median=statistics.median(values), max=max(values), total=sum(values))


def histogram(values: Sequence[int], bounds: list[int]) -> list[Bin]:
    """How many values lie from each bound up to the next; the last bin is open."""
    ends: list[int | None] = [*bounds[1:], None]
    return [
        Bin(
            start=start,
            end=end,
            count=sum(start <= value and (end is None or value < end) for value in values),
        )
        for start, end in zip(bounds, ends, strict=True)
    ]


def failures(files: list[FileUpload], runs: list[StepRun]) -> list[FailureCount]:
    """Failed files and failed steps by error code, the most frequent first."""
    of_files = [
        (upload.error["error_code"], EXTRACT)
        for upload in files
        if upload.status == FileUpload.Status.FAILED and upload.error
    ]
    of_steps = [(run.error["error_code"], run.phase) for run in runs if run.error]
    counted = Counter([*of_files, *of_steps])
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [FailureCount(error_code=code, step=step, count=count) for (code, step), count in ordered]


def duplicates(files: list[FileUpload]) -> list[DuplicateGroup]:
    """Files that repeat another's text, by that other."""
    groups: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for upload in files:
        if upload.status == FileUpload.Status.DUPLICATE and upload.duplicate_of_id is not None:
            groups[upload.duplicate_of_id].append(upload.pk)
    return [
        DuplicateGroup(duplicate_of=original, file_upload_ids=copies) for original, copies in groups.items()
    ]


def left_out(batch: Batch, files: list[FileUpload]) -> list[LeftOut]:
    """The essays in another language than their batch, by number."""
    strays = [
        LeftOut(
            essay_id=upload.slot.pk,
            number=upload.slot.number,
            file_upload_id=upload.pk,
            filename=upload.filename,
            language=language_of(upload, batch) or None,
        )
        for upload in files
        if upload.status == FileUpload.Status.ASSIGNED and upload.slot and is_stray(upload, batch)
    ]
    return sorted(strays, key=lambda stray: stray.number)


def step_times(batch: Batch, files: list[FileUpload], runs: list[StepRun]) -> dict[str, StepTimes]:
    """Median and 95th percentile of extraction and of each step."""
    reading = [upload.duration_ms for upload in files if upload.duration_ms is not None]
    times = {EXTRACT: reading}
    for step in batch.settings.steps:
        times[step] = [run.duration_ms for run in runs if run.phase == step and run.started_at is not None]
    return {step: times_of(values) for step, values in times.items()}


def times_of(values: Sequence[int]) -> StepTimes:
    """Number, median and 95th percentile of durations."""
    return StepTimes(
        runs=len(values),
        median_ms=statistics.median(values) if values else None,
        p95_ms=percentile(values, 95) if values else None,
    )


def percentile(values: Sequence[int], percent: int) -> float:
    """The smallest value that at least ``percent`` of all do not exceed."""
    ordered = sorted(values)
    place = -(-percent * len(ordered) // 100)  # rounded up
    return float(ordered[max(place, 1) - 1])
