"""What is measured side by side: the working tree, the old commit, the plain project; all run at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as numbers
from itertools import islice
from pathlib import Path

from huleedu.machine import postgres_choice
from tests import guard
from tests.benchmarks.cost.old import OldInstallation, checkout, python_for
from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import note
from tests.benchmarks.teacher import WAIT_SECONDS, Teacher
from tests.conftest import essay_bytes
from tests.installation import Installation, free_port

WARM = 30  # files that each side has seen before anything is measured
POLL_SECONDS = 0.2
LOG_CHARACTERS = 2000  # of what does not come up
SUPPLY = essay_files()
NUMBERS = numbers()
# The old commit knows no other; what is compared is not PostgreSQL.
SAME_POSTGRES = {postgres_choice.VARIABLE: postgres_choice.EMBEDDED}


class PlainInstallation(Installation):
    """The plain project, started as an installation is; it has no accounts."""

    @property
    def command(self) -> list[str]:
        """What starts everything."""
        return [super().command[0], "-m", "tests.benchmarks.plain.run"]

    def read_accounts(self) -> None:
        """There are none."""

    def token(self, role: str = "teacher") -> str:
        """Nobody asks for it."""
        return ""


class PlainTeacher(Teacher):
    """A teacher of the plain project, which has no socket to follow."""

    def wait_for_results(self, batch_id: str) -> None:
        """Ask now and then."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.at.get(f"/v1/batches/{batch_id}/status").body["status"] != "completed":
            assert time.monotonic() < deadline, "no results"
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Sides:
    """A teacher at each."""

    ours: Teacher
    old: Teacher
    plain: Teacher


def sides(stack: ExitStack) -> Sides:
    """All sides, running and warm, until ``stack`` is closed."""
    root = stack.enter_context(checkout())
    python, port = python_for(root), free_port
    ours = stack.enter_context(running(lambda var: Installation(var, port(), variables=SAME_POSTGRES)))
    old = stack.enter_context(running(lambda var: OldInstallation(var, port(), root=root, python=python)))
    plain = stack.enter_context(running(lambda var: PlainInstallation(var, port(), variables=SAME_POSTGRES)))
    found = Sides(
        Teacher(ours, ours.token()),
        Teacher(old, old.token(), together=1),  # as its page did
        PlainTeacher(plain, plain.token(), together=1),
    )
    for name, teacher in vars(found).items():
        note(f"first {WARM} files, {name}: {teacher.process(essays(WARM)):.2f} s")
    return found


@contextmanager
def running(made: Callable[[Path], Installation]) -> Iterator[Installation]:
    """What ``made`` gives for a state folder, started, and stopped afterwards."""
    with guard.folder("huleedu-bench-") as folder:
        folder.chmod(0o711)  # its servers may run as another user
        found = made(folder / "var")
        try:
            try:
                found.start()
            except AssertionError:
                note((folder / "run.log").read_text(errors="replace")[-LOG_CHARACTERS:])
                raise
            yield found
        finally:
            found.stop()


def essays(count: int) -> list[EssayFile]:
    """Files in the formats that teachers send, none of them given before."""
    return list(islice(SUPPLY, count))


def short_texts(count: int) -> list[EssayFile]:
    """Texts of forty words, none of them given before: reading and checking them takes next to nothing."""
    return [EssayFile(f"{number}.txt", essay_bytes(number)) for number in islice(NUMBERS, count)]
