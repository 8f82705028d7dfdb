"""Memory of a whole installation while files go through it: flat after the first two thousand."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, note, size
from tests.benchmarks.processes import used
from tests.benchmarks.teacher import Teacher, installation
from tests.installation import Installation

BATCH = 50
WARM = size(2000, 200)
MORE = size(2000, 200)
EACH = size(500, 100)
GROWTH = 0.02  # of the memory after the first files: less than processes differ from one look to the next


def main() -> None:
    """Send files, batch after batch, look at the memory now and then, and compare the end with the middle."""
    with installation() as at:
        teacher, supply = Teacher(at, at.token()), essay_files()
        tell(at, 0)
        process(teacher, supply, at, WARM)
        warm = megabytes(at)
        process(teacher, supply, at, MORE)
        end = megabytes(at)
    growth = end / warm - 1
    shown, beside = f"{end:.0f} MB", f"after {WARM:,} {warm:.0f} MB"
    name, limit = f"memory after {WARM + MORE:,} files", f"at most + {GROWTH:.0%}"
    Figure(name, shown, beside, f"{growth:+.1%}", limit, growth <= GROWTH).tell()


def process(teacher: Teacher, supply: Iterator[EssayFile], at: Installation, files: int) -> None:
    """Send ``files`` files and wait for their results."""
    for number in range(0, files, BATCH):
        teacher.process(list(islice(supply, BATCH)))
        if (number + BATCH) % EACH == 0:
            tell(at, number + BATCH)


def megabytes(at: Installation) -> float:
    """The memory of all processes, each shared page counted once."""
    return sum(use.memory for use in used(at).values()) / 2**20


def tell(at: Installation, files: int) -> None:
    """Print the memory of each part."""
    parts: Counter[str] = Counter()
    for use in used(at).values():
        parts[use.name] += use.memory
        parts["of it shared memory"] += use.shared
    told = ", ".join(f"{name} {size / 2**20:.0f}" for name, size in sorted(parts.items()))
    note(f"+{files} files: {megabytes(at):.0f} MB; {told}")
