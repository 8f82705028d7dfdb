"""Thirty essays from the first byte to all results, beside the bare cost of reading and checking them."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

from essays.steps.spellcheck import spellcheck, warm
from files import sandbox
from files.steps.extract import extract
from files.steps.validate import TextLimits, validate
from huleedu.events.phases import essay_phase
from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, alternate, at_most, note, size
from tests.benchmarks.teacher import Teacher, installation

ESSAYS = 30
REPETITIONS = size(5, 2)
Work = Callable[[Sequence[EssayFile]], None]


def main() -> None:
    """Both, taking turns; every turn has essays of its own."""
    supply = essay_files()
    with (
        installation() as at,
        ProcessPoolExecutor(os.cpu_count(), initializer=warm, initargs=("en",)) as pool,
    ):
        teacher = Teacher(at, at.token())
        note(f"first: {teacher.process(list(islice(supply, ESSAYS))):.2f} s")
        note(f"first bare: {bare(pool, list(islice(supply, ESSAYS))):.2f} s")
        whole, plain, confined = alternate(
            REPETITIONS,
            lambda: teacher.process(list(islice(supply, ESSAYS))),
            lambda: bare(pool, list(islice(supply, ESSAYS))),
            lambda: bare(pool, list(islice(supply, ESSAYS)), work_through_confined),
        )
    beside = f"reading and checking alone {plain:.2f} s"
    Figure(
        f"{ESSAYS} essays, first byte to all results", f"{whole:.2f} s", beside, *at_most(whole, plain, 1.5)
    ).tell()
    Figure(
        "for comparison",
        f"{whole:.2f} s",
        f"each file read and checked in its own process {confined:.2f} s",
        f"{whole / confined:.2f} ×",
    ).tell()


def bare(pool: ProcessPoolExecutor, files: Sequence[EssayFile], work: Work | None = None) -> float:
    """Seconds to read and check ``files`` in plain loops, one process per core."""
    shares = [files[core :: os.cpu_count() or 1] for core in range(os.cpu_count() or 1)]
    began = time.monotonic()
    list(pool.map(work or work_through, shares))
    return time.monotonic() - began


def work_through(files: Sequence[EssayFile]) -> None:
    """Extract, validate and spell check ``files``, nothing else."""
    for file in files:
        text = extract(file.data, file.name).text
        validate(text, TextLimits())
        spellcheck(text, "en")


def work_through_confined(files: Sequence[EssayFile]) -> None:
    """The same, but each file is read and checked in a process of its own, as what is untrusted must be."""
    for file in files:
        text = sandbox.run(file.data, file.name, TextLimits()).text
        essay_phase("spellcheck").step(text, "en")
