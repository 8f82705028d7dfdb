"""Commands that need the small installation's database also when HuleEdu is stopped: they start it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from huleedu import embedded
from huleedu.embedded import PostgresServer
from huleedu.machine import places, postgres_choice, programs

MAKING = frozenset({"restore"})  # these may begin a new installation
WHILE_RUNNING = frozenset({"backup", "repeat_erasures", "verify_store"})
NEEDING = MAKING | WHILE_RUNNING | {"move_database"}


class Started:
    """Whether this process has started the database: then nobody else works with it."""

    here = False


@contextmanager
def database_for(command: str, var: Path) -> Iterator[None]:
    """Have ``DATABASE_URL`` name the database of the installation in ``var`` for the length of the block.

    Nothing is started for other commands, for another database in that variable, or beside one that runs.
    Raises InstallationError when HuleEdu runs and must not, or the database does not come up.
    """
    if command not in NEEDING:
        yield
        return
    leave_in_order()
    there = postgres_choice.kept_major(PostgresServer(var).home) is not None
    named = bool(os.environ.get("DATABASE_URL")) or not (there or command in MAKING)
    if named or (command in WHILE_RUNNING and is_running(var)):
        yield
    else:
        with embedded.kept(var) as url:
            os.environ["DATABASE_URL"], Started.here = url, True
            yield


def is_running(var: Path) -> bool:
    """Whether a supervisor has the state folder."""
    places.make_state_folder(var, places.service_account())
    lock = programs.try_lock(var / "run")
    if lock is not None:
        os.close(lock)
    return lock is None


def leave_in_order() -> None:
    """SIGTERM and Ctrl-C end this process through its ``finally``: half a file goes, servers stop."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for later in (signal.SIGTERM, signal.SIGINT):
            signal.signal(later, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
