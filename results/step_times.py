"""How long each step took, and on which essay longest: the runs that the API's analytics count."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from batches.models import Batch
from essays.models import StepRun
from files.models import FileUpload
from huleedu.events.phases import PHASES
from results.analytics import times_of
from results.lines import FileLine

Run = tuple[int, UUID]  # milliseconds, and the file that took them


@dataclass(frozen=True)
class StepTime:
    """One step's times. ``middle`` is the file nearest to the median, ``slowest`` the one that took longest.

    They are None when that file is here no more.
    """

    name: str
    runs: int
    median_ms: float
    middle: FileLine | None
    most_ms: int
    slowest: FileLine | None


def step_times(batch: Batch, lines: Iterable[FileLine]) -> list[StepTime]:
    """Reading and each step of the batch that has run, in this order; two queries."""
    known = {line.file_upload_id: line for line in lines}
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    ended = StepRun.objects.filter(slot__batch=batch, status__in=StepRun.ENDED, started_at__isnull=False)
    for run in ended.only("phase", "file_upload_id", "started_at", "ended_at"):
        runs[run.phase].append((run.duration_ms, run.file_upload_id))
    files = FileUpload.objects.filter(batch=batch, duration_ms__isnull=False).present()
    read = [(taken or 0, pk) for taken, pk in files.values_list("duration_ms", "pk")]
    steps = [
        (_("Reading"), read),
        *((str(PHASES[one].words.name), runs[one]) for one in batch.settings.steps),
    ]
    return [time_of(name, of_step, known) for name, of_step in steps if of_step]


def time_of(name: str, runs: list[Run], known: dict[UUID, FileLine]) -> StepTime:
    """The times of one step."""
    most, slowest = max(runs)
    times = times_of([taken for taken, _file in runs])
    half = times.median_ms or 0
    _, middle = min(runs, key=lambda run: (abs(run[0] - half), run))
    return StepTime(name, times.runs, half, known.get(middle), most, known.get(slowest))
