"""How long it takes until a batch has come to rest, from what this installation has needed for such work."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from django.conf import settings
from django.db.models import Count, Max, Q

from batches.models import Batch
from essays.actions.requesting import present_runs
from essays.models import StepRun
from files.actions.reading import EXTRACT
from files.models import FileUpload
from huleedu.events.phases import is_batch_wide
from huleedu.events.vocabulary import EssayContentProvisioned
from huleedu.models import LoggedEvent, WorkItem

LATEST = 300  # readings, and runs of steps, that are learned from
SIZES = (50_000, 500_000, 5_000_000)  # bytes: a file is compared with those between the same two
READ = EssayContentProvisioned.__name__


@dataclass(frozen=True)
class Typical:
    """Mean milliseconds of the latest readings by format and size, and of the latest runs by step."""

    reading: dict[tuple[str, int], float]
    steps: dict[str, float]

    def of_file(self, filename: str, size: int) -> float | None:
        """What reading the file takes: as such files, those of its format, or all; None without any."""
        kind = filename.rpartition(".")[2].lower()
        alike = self.reading.get((kind, size_class(size)))
        if alike is not None:
            return alike
        of_format = [time for (name, _size), time in self.reading.items() if name == kind]
        return mean(of_format or self.reading.values())

    def of_step(self, name: str) -> float | None:
        """What one run of the step takes; None before the first."""
        return mean(self.reading.values()) if name == EXTRACT else self.steps.get(name)


def seconds_left(batch: Batch) -> int | None:
    """Seconds until what the batch has to do now is done, others' work that goes first included.

    0 when nothing is being done, None when this installation has not done such work before. Workers share
    what is left evenly, and nothing ends before the longest piece of it.
    """
    reading = list(batch.files.filter(status=FileUpload.Status.PROCESSING).values_list("filename", "size"))
    steps = steps_left(batch, len(reading))
    if not reading and not steps:
        return 0
    known = typical()
    mine = [known.of_file(filename, size) for filename, size in reading]
    mine += [known.of_step(step) for step, number in steps.items() for _ in range(number)]
    times = [time for time in mine if time is not None]
    if len(times) < len(mine):
        return None
    ahead = sum((known.of_step(step) or 0.0) * number for step, number in ahead_of(batch).items())
    return round(max(max(times), (ahead + sum(times)) / settings.STEP_WORKERS) / 1000)


def steps_left(batch: Batch, reading: int) -> dict[str, int]:
    """How often each step is to be done: what is ordered and, once the batch goes on, what will be.

    ``reading`` files are still being read.
    """
    open_runs = Q(status__in=frozenset(StepRun.Status) - StepRun.ENDED)
    goes_on = batch.status == Batch.Status.PROCESSING
    essays = batch.files.filter(status=FileUpload.Status.ASSIGNED).count() + reading if goes_on else 0
    left = {}
    for step in batch.settings.steps:
        if is_batch_wide(step):
            continue
        runs = present_runs(batch, step).aggregate(
            open=Count("pk", filter=open_runs), ended=Count("pk", filter=~open_runs)
        )
        number = max(essays - runs["ended"], 0) if goes_on else runs["open"]
        if number:
            left[step] = number
    return left


def ahead_of(batch: Batch) -> Counter[str]:
    """Others' queued work that goes before the batch's last, by step."""
    last = WorkItem.objects.filter(batch_id=batch.pk).aggregate(rank=Max("rank"))["rank"]
    others = WorkItem.objects.filter(state="queued", rank__lt=last or 0).exclude(batch_id=batch.pk)
    return Counter(dict(others.values_list("step").annotate(n=Count("pk"))))


def typical() -> Typical:
    """What work has taken here lately."""
    told = LoggedEvent.objects.filter(event_type=READ).order_by("-pk")
    reading = defaultdict(list)
    for data in told.values_list("envelope__data", flat=True)[:LATEST]:
        reading[data["format"], size_class(data["size"])].append(data["extraction"]["duration_ms"])
    ended = StepRun.objects.filter(status__in=StepRun.ENDED, started_at__isnull=False).order_by("-pk")
    steps = defaultdict(list)
    for run in ended.only("phase", "started_at", "ended_at")[:LATEST]:
        steps[run.phase].append(run.duration_ms)
    return Typical(
        reading={kind: fmean(times) for kind, times in reading.items()},
        steps={step: fmean(times) for step, times in steps.items()},
    )


def size_class(size: int) -> int:
    """Which files a file of ``size`` bytes is compared with."""
    return sum(size > bound for bound in SIZES)


def mean(values: Iterable[float]) -> float | None:
    """The mean, None of nothing."""
    found = list(values)
    return fmean(found) if found else None
