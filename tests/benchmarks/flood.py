"""A hundred batches of thirty files at once: no error, none lost, all complete, and how many an hour."""

import os
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, note, size
from tests.benchmarks.teacher import Teacher, installation
from tests.installation import Installation

BATCHES = size(100, 20)
FILES = 30
CLIENTS = 8
WAIT_SECONDS = 1500.0
FLOOR_PER_HOUR = 1000
TICKS = os.sysconf("SC_CLK_TCK")
PART = re.compile(r"HULEEDU_PROCESS=(\w+)")
DONE = frozenset({"completed", "completed_with_failures", "failed", "cancelled"})


def main() -> None:
    """Upload everything from eight clients, wait until every batch is complete, count."""
    supply = essay_files()
    piles = [list(islice(supply, FILES)) for _ in range(BATCHES)]
    with installation() as at:
        teacher = Teacher(at, at.token())
        before, began = processor_seconds(), time.monotonic()
        batches = [teacher.register(FILES, f"batch {number}") for number in range(BATCHES)]
        send(teacher, list(zip(batches, piles, strict=True)))
        uploaded = time.monotonic() - began
        statuses = wait(teacher, batches)
        seconds = time.monotonic() - began
        note("processor seconds: " + parts(at))
        used = (processor_seconds() - before) / seconds / (os.cpu_count() or 1)
        assigned = sum(len(results(teacher, batch)) for batch in batches)
    note(f"uploaded in {uploaded:.0f} s, complete in {seconds:.0f} s; processors {used:.0%} busy; {statuses}")
    whole = statuses == {"completed": BATCHES} and assigned == BATCHES * FILES
    shown = f"{statuses['completed']} complete, {assigned} of {BATCHES * FILES} files"
    Figure(f"{BATCHES} batches of {FILES} files at once", shown, "", "", "all, no error", whole).tell()
    rate = BATCHES * 3600 / seconds
    beside = f"the floor {FLOOR_PER_HOUR}/h"
    ratio = rate / FLOOR_PER_HOUR
    Figure("batches per hour", f"{rate:,.0f}/h", beside, f"{ratio:.1f} ×", "≥ 3 ×", ratio >= 3).tell()


def send(teacher: Teacher, work: list[tuple[str, list[EssayFile]]]) -> None:
    """Upload all, batch by batch in turns, from ``CLIENTS`` at once. Raises what any upload raises."""
    uploads = [(batch, pile[place]) for place in range(FILES) for batch, pile in work]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(lambda one: teacher.upload(*one), uploads):
            pass


def wait(teacher: Teacher, batches: list[str]) -> Counter[str]:
    """Wait until no batch is under way; status → how many."""
    deadline = time.monotonic() + WAIT_SECONDS
    found: dict[str, str] = {}
    while len(found) < len(batches) and time.monotonic() < deadline:
        for batch in batches:
            if batch not in found:
                status = teacher.at.get(f"/v1/batches/{batch}/status", teacher.token).body["status"]
                if status not in DONE:
                    break
                found[batch] = status
        threading.Event().wait(0.5)
    return Counter(found.values())


def results(teacher: Teacher, batch: str) -> list[str]:
    """The files that have a result in the batch."""
    body = teacher.at.get(f"/v1/batches/{batch}/results", teacher.token).body
    return [essay["file_upload_id"] for essay in body["essays"]]


def parts(at: Installation) -> str:
    """Processor seconds of each part of the installation, ended children of its processes included."""
    ticks: Counter[str] = Counter()
    told = at.recorded()
    for pid in at.processes([]):
        with suppress(OSError):
            folder = Path(f"/proc/{pid}")
            name = PART.search(told.get(pid, ""))
            ticks[name[1] if name else "supervisor"] += sum(
                int(value) for value in (folder / "stat").read_text().rpartition(")")[2].split()[11:15]
            )
    return ", ".join(f"{name} {count / TICKS:.0f}" for name, count in ticks.most_common())


def processor_seconds() -> float:
    """Processor time spent by the whole machine."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        values = [int(value) for value in file.readline().split()[1:]]
    return (sum(values) - values[3] - values[4]) / TICKS
