"""Where the processor time of a file goes: milliseconds in each part, and about how many in which function.

Needs py-spy (``pip install py-spy``, anywhere on the PATH), which looks from outside fifty times a second and
makes everything slower: compare the functions of one run with each other. A function's time includes what it
calls. Waiting for PostgreSQL counts where py-spy takes it for work.
"""

import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.cost.sides import short_texts
from tests.benchmarks.measure import note, size
from tests.benchmarks.processes import spent, used
from tests.benchmarks.sizes import APPS
from tests.benchmarks.teacher import Teacher, installation
from tests.installation import Installation

FILES = size(200, 30)
SHOWN = 30  # functions of each part
PARTS = ("web", "relay", "steps")
LOOKS = 50  # a second
LOOK = ["py-spy", "record", "--nonblocking", "--function", "--format", "raw", "--rate", str(LOOKS)]


def main() -> None:
    """Look while short files come, three at once."""
    if not shutil.which(LOOK[0]):
        raise SystemExit("py-spy is missing: pip install py-spy, in any environment on the PATH")
    with installation() as at, tempfile.TemporaryDirectory(prefix="functions-") as folder:
        teacher = Teacher(at, at.token())
        teacher.process(short_texts(FILES))
        with looking(at, Path(folder)) as parts:
            before = used(at)
            teacher.process(short_texts(FILES))
            found = spent(before, used(at))
        for part, nanoseconds in found.most_common():
            milliseconds = nanoseconds / 1e6 / FILES
            note(f"{part}: {milliseconds:.1f} ms a file")
            shares = inclusive(path for path, name in parts.items() if name == part)
            for function, share in sorted(shares.items(), key=lambda entry: -entry[1])[:SHOWN]:
                note(f"{milliseconds * share:8.1f}  {function}")


@contextmanager
def looking(at: Installation, folder: Path) -> Iterator[dict[Path, str]]:
    """Look at every process of ``PARTS`` within the block; gives what was seen of each, and its part."""
    names = {pid: use.name for pid, use in used(at).items() if use.name in PARTS}
    parts = {folder / str(pid): name for pid, name in names.items()}
    looks = [
        subprocess.Popen(
            [*LOOK, "--duration", "unlimited", "--output", str(path), "--pid", path.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for path in parts
    ]
    try:
        yield parts
    finally:
        for look in looks:
            look.send_signal(signal.SIGINT)  # then it writes what it saw
        for look in looks:
            look.wait()


def inclusive(stacks: Iterable[Path]) -> dict[str, float]:
    """Function of ours → the share of all looks that found it, whatever it had called."""
    found: Counter[str] = Counter()
    looks = 0
    for path in stacks:
        lines: list[str] = []
        with suppress(FileNotFoundError):  # nothing was seen
            lines = path.read_text().splitlines()
        for line in lines:
            stack, _, count = line.rpartition(" ")
            looks += int(count)
            ours = {frame for frame in stack.split(";") if any(f"({app}/" in frame for app in APPS)}
            found.update({frame: int(count) for frame in ours})
    return {name: count / looks for name, count in found.items()}
