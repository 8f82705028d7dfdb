"""What files that cost hours to read do to another teacher's five essays, beside the same five alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice

from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, alternate, at_most, note, size
from tests.benchmarks.teacher import Teacher, installation
from tests.files.documents import spinning_pdf

ESSAYS = 5
REPETITIONS = size(9, 3)
AHEAD = 2  # files that spin, under way when the other teacher comes


def main() -> None:
    """The same batch, again and again: first alone, then beside files that spin."""
    supply = essay_files()
    with installation() as at:
        calm = Teacher(at, at.token())
        calm.process(list(islice(supply, ESSAYS)))
        (alone,) = alternate(REPETITIONS, lambda: calm.process(list(islice(supply, ESSAYS))))
        with spinning(Teacher(at, at.token("support"))) as sent:
            (beside,) = alternate(REPETITIONS, lambda: calm.process(list(islice(supply, ESSAYS))))
            note(f"{len(sent)} files that spin sent by then")
    Figure(
        f"{ESSAYS} essays beside files that spin",
        f"{beside:.2f} s",
        f"alone {alone:.2f} s",
        *at_most(beside, alone, 2),
    ).tell()


@contextmanager
def spinning(teacher: Teacher) -> Iterator[list[float]]:
    """Send files that spin, one every two seconds, from before the block begins until it ends."""
    sent: list[float] = []
    numbers, under_way, over = count(), threading.Event(), threading.Event()

    def upload() -> None:
        while not over.is_set():
            number = next(numbers)
            file = EssayFile(f"{number}.pdf", spinning_pdf(str(number)))
            sent.extend(teacher.upload(teacher.register(1), file))
            if len(sent) == AHEAD:
                under_way.set()
            over.wait(2 if len(sent) >= AHEAD else 0)

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        under_way.wait()
        yield sent
    finally:
        over.set()
        thread.join()
