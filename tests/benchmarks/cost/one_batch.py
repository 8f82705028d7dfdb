"""One large batch: its throughput, and how long each of its files waits for locks."""

from statistics import median

from huleedu.embedded import PostgresServer
from tests.benchmarks.cost.locks import waiting
from tests.benchmarks.cost.sides import Sides, essays
from tests.benchmarks.measure import Figure, asked, note, size, take_turns, times
from tests.benchmarks.teacher import Teacher

FILES = size(200, 30)
TURNS = asked("turns", 3, 1)
OF_OLD = 2.5
MILLISECONDS = 20


def tell(sides: Sides) -> None:
    """Files a second, and milliseconds a file."""
    found = take_turns(TURNS, lambda: measured(sides.ours), lambda: measured(sides.old))
    for name, turns in zip(vars(sides), found, strict=False):
        note(f"{name}: " + ", ".join(f"{rate:.1f}/s with {locks:.0f} ms" for rate, locks in turns))
    ours, old = ([median(values) for values in zip(*turns, strict=True)] for turns in found)
    shown, beside = f"{ours[0]:.1f} files/s", f"old {old[0]:.1f} files/s"
    Figure(f"one batch of {FILES} files", shown, beside, *times(ours[0], old[0], OF_OLD)).tell()
    shown, beside, met = f"{ours[1]:.1f} ms", f"old {old[1]:.1f} ms", ours[1] <= MILLISECONDS
    ratio = f"{ours[1] / old[1]:.2f} ×" if old[1] else ""
    Figure("a file of it waits for locks", shown, beside, ratio, f"≤ {MILLISECONDS} ms", met).tell()


def measured(teacher: Teacher) -> tuple[float, float]:
    """Files a second; milliseconds that a file waits for locks."""
    files = essays(FILES)
    with waiting(PostgresServer(teacher.at.var).url) as waited:
        seconds = teacher.process(files)
    return FILES / seconds, waited.seconds * 1000 / FILES
