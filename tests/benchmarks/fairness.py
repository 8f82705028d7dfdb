"""What a flood of one teacher's files does to another teacher's batch, beside the same batch alone."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice

from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, alternate, at_most, note, size
from tests.benchmarks.teacher import UPLOADS_AT_ONCE, Teacher, installation

FLOOD = size(5_000, 200)
PER_BATCH = 100
ESSAYS = 30
REPETITIONS = size(7, 2)
AHEAD = size(1_000, 100)  # files of the flood that have been sent when the other teacher comes


def main() -> None:
    """The same batch, again and again: first alone, then beside the flood."""
    supply = essay_files()
    flood = list(islice(supply, FLOOD))
    with installation() as at:
        calm = Teacher(at, at.token())
        calm.process(list(islice(supply, ESSAYS)))
        (alone,) = alternate(REPETITIONS, lambda: calm.process(list(islice(supply, ESSAYS))))
        with flooding(Teacher(at, at.token("support")), flood) as sent:
            while len(sent) < AHEAD:
                time.sleep(0.1)
            (beside,) = alternate(REPETITIONS, lambda: calm.process(list(islice(supply, ESSAYS))))
            note(f"{len(sent)} files of the flood sent by then")
    Figure(
        f"{ESSAYS} essays beside a flood of {FLOOD}",
        f"{beside:.2f} s",
        f"alone {alone:.2f} s",
        *at_most(beside, alone, 2),
    ).tell()


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
            sent.append(teacher.upload(batches[pile], files[number % len(files)]))

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        uploads = [pool.submit(upload) for _ in range(UPLOADS_AT_ONCE)]
        try:
            yield sent
        finally:
            over.set()
        for upload_thread in uploads:
            upload_thread.result()
