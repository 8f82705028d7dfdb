"""What two essays of nonsense do to another teacher's class of thirty, beside the same class alone."""

from collections.abc import Iterator
from itertools import count, islice

from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, alternate, at_most, size
from tests.benchmarks.teacher import Teacher, installation
from tests.samples.nonsense import long_unknown_words

ESSAYS = 30
REPETITIONS = size(7, 2)
HOSTILE = 2


def main() -> None:
    """The same class, alone and beside the nonsense, taking turns."""
    supply, nonsense = essay_files(), nonsense_files()
    with installation() as at:
        calm, other = Teacher(at, at.token()), Teacher(at, at.token("support"))
        calm.process(list(islice(supply, ESSAYS)))

        def beside_nonsense() -> float:
            batch_id = other.register(HOSTILE)
            other.upload_all(batch_id, list(islice(nonsense, HOSTILE)))
            return calm.process(list(islice(supply, ESSAYS)))

        alone, beside = alternate(
            REPETITIONS, lambda: calm.process(list(islice(supply, ESSAYS))), beside_nonsense
        )
    Figure(
        f"{ESSAYS} essays beside {HOSTILE} of nonsense",
        f"{beside:.2f} s",
        f"alone {alone:.2f} s",
        *at_most(beside, alone, 1.5),
    ).tell()


def nonsense_files() -> Iterator[EssayFile]:
    """Different texts of unknown words, as long as one may be."""
    for number in count():
        yield EssayFile(f"{number}.txt", long_unknown_words(50_000, number).encode())
