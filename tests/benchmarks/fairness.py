"""What a flood of one teacher's files does to another teacher's batch, beside the same batch alone."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count, islice
from statistics import median

import psycopg

from huleedu.embedded import PostgresServer
from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, at_most, note, size, take_turns
from tests.benchmarks.teacher import UPLOADS_AT_ONCE, WAIT_SECONDS, Teacher, installation
from tests.faults.world import QUIET
from tests.installation import Installation, wait_until

FLOOD = size(5_000, 200)
PER_BATCH = 100
ESSAYS = 30
REPETITIONS = size(7, 2)
AHEAD = size(1_000, 100)  # files of the flood that have been sent when the other teacher comes


def main() -> None:
    """The same batch, again and again: alone, beside the flood, and alone once more."""
    with installation() as at:
        alone, beside = alone_and_beside(at, FLOOD, REPETITIONS)
    Figure(
        f"{ESSAYS} essays beside a flood of {FLOOD}",
        f"{beside:.2f} s",
        f"alone {alone:.2f} s",
        *at_most(beside, alone, 2),
    ).tell()


def alone_and_beside(
    at: Installation,
    flood: int,
    repetitions: int,
    meanwhile: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> tuple[float, float]:
    """Median seconds of a batch alone, and of one beside a flood, during which ``meanwhile`` lasts.

    Alone is measured before and after, so that what else the machine does meets both.
    """
    supply = essay_files()
    files = list(islice(supply, flood))
    calm = Teacher(at, at.token())

    def batch() -> float:
        return calm.process(list(islice(supply, ESSAYS)))

    batch()
    (before,) = take_turns(repetitions, batch)
    with flooding(Teacher(at, at.token("support")), files) as sent:
        while len(sent) < min(AHEAD, flood):
            time.sleep(0.1)
        with meanwhile():
            (beside,) = take_turns(repetitions, batch)
        note(f"{len(sent)} files of the flood sent by then")
    settle(at)
    (after,) = take_turns(repetitions, batch)
    for name, values in (("before", before), ("beside", beside), ("after", after)):
        note(f"{name}: " + ", ".join(f"{value:.2f}" for value in values))
    return median(before + after), median(beside)


def settle(at: Installation) -> None:
    """Wait until nothing of the flood is due."""
    with psycopg.connect(PostgresServer(at.var).url, autocommit=True) as session:

        def nothing_due() -> bool:
            row = session.execute(QUIET).fetchone()
            return row is not None and row[0] == 0

        wait_until(nothing_due, WAIT_SECONDS, "the flood is over")


@contextmanager
def flooding(teacher: Teacher, files: Sequence[EssayFile]) -> Iterator[list[float]]:
    """Upload ``files`` and then all again, three at once as a page does, until the block ends.

    Gives the seconds of each upload so far.
    """
    sent: list[float] = []
    batches: dict[int, str] = {}
    numbers, lock, over = count(), threading.Lock(), threading.Event()

    def upload() -> None:
        while not over.is_set():
            with lock:
                number = next(numbers)
                pile = number // PER_BATCH
                batches[pile] = batches.get(pile) or teacher.register(PER_BATCH)
            sent.extend(teacher.upload(batches[pile], files[number % len(files)]))

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        uploads = [pool.submit(upload) for _ in range(UPLOADS_AT_ONCE)]
        try:
            yield sent
        finally:
            over.set()
        for upload_thread in uploads:
            upload_thread.result()
