"""Files a second with one, two and three step clusters of the same larger installation."""

import os
import signal
import time
from contextlib import suppress
from itertools import count

from tests import guard
from tests.benchmarks.flood import processor_seconds
from tests.benchmarks.material import EssayFile
from tests.benchmarks.measure import Figure, alternate, note, size
from tests.benchmarks.teacher import Teacher
from tests.conftest import essay_bytes
from tests.larger import Larger, Proxied, larger_installation, missing, trusted

FILES = size(150, 30)
REPETITIONS = size(5, 1)
WAIT_SECONDS = 300.0
NUMBERS = count()


def main() -> None:
    """One to three clusters, taking turns; files wait for them, so that nothing else is measured."""
    if missing():
        raise SystemExit(f"These programs are missing: {', '.join(missing())}.")
    with (
        guard.folder("huleedu-bench-") as folder,
        larger_installation(folder) as larger,
        trusted(larger),
    ):
        password, _support = larger.build()
        site = Proxied(larger.machines[0].var, 0, origin=larger.origin)
        site.accounts["teacher"] = ("alma.berg", password)
        measure(larger, Teacher(site, site.token()))


def measure(larger: Larger, teacher: Teacher) -> None:
    """Tell one row for each number of clusters."""
    process(larger, teacher, 3)  # warm
    one, two, three = alternate(
        REPETITIONS,
        lambda: process(larger, teacher, 1),
        lambda: process(larger, teacher, 2),
        lambda: process(larger, teacher, 3),
    )
    Figure("waiting files, 1 step cluster", f"{one:.1f}/s").tell()
    for number, rate in ((2, two), (3, three)):
        beside, ratio = f"1 cluster {one:.1f}/s", f"{rate / one:.2f} ×"
        Figure(f"waiting files, {number} step clusters", f"{rate:.1f}/s", beside, ratio).tell()


def process(larger: Larger, teacher: Teacher, clusters: int) -> float:
    """Files a second from the moment that ``clusters`` step clusters may work until all results are there."""
    families = [
        machine.family("steps", number)
        for machine, number in ((larger.machines[0], 1), (larger.machines[1], 1), (larger.machines[1], 2))
    ]
    everybody = [pid for family in families for pid in family]
    tell(everybody, signal.SIGSTOP)
    batch = teacher.register(FILES)
    files = [next(NUMBERS) for _ in range(FILES)]
    teacher.upload_all(batch, [EssayFile(f"{number}.txt", essay_bytes(number)) for number in files])
    before, began = processor_seconds(), time.monotonic()
    tell([pid for family in families[:clusters] for pid in family], signal.SIGCONT)
    while teacher.at.get(f"/v1/batches/{batch}/status", teacher.token).body["status"] != "completed":
        if time.monotonic() - began > WAIT_SECONDS:
            raise AssertionError("no results")
        time.sleep(0.1)
    seconds = time.monotonic() - began
    tell(everybody, signal.SIGCONT)
    busy = (processor_seconds() - before) / seconds / (os.cpu_count() or 1)
    note(f"{clusters} clusters: {FILES / seconds:.1f}/s, processors {busy:.0%} busy")
    return FILES / seconds


def tell(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that is there; a sandbox's process may have ended meanwhile."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
