"""Named places where a test can make a process die, fail or wait; nothing happens unless one is armed.

Armed by the environment: ``HULEEDU_FAILPOINT="<name>:<what>[:<times>]"``, several separated by commas.
``what`` is ``kill9`` (the process kills itself), ``raise`` (``FailpointReached``), ``sleep=<seconds>`` or
``hang`` (for ever, and deaf to signals, as in a library's endless loop).
It happens the first ``times`` times (once when left out), counted in ``HULEEDU_VAR``/run for all processes
together, so that a restarted process goes on. The names are in ``NAMES``.
"""

import os
import signal
import time
from pathlib import Path

VARIABLE = "HULEEDU_FAILPOINT"
NAMES = frozenset(
    {
        "upload.after_store",  # bytes are durable, their row is not
        "upload.after_commit",  # rows and event are committed, nobody has been told
        "extract.mid",  # a worker has taken a file, the outcome is not there
        "step.after_effect",  # the outcome is committed, the task is not acknowledged
        "export.mid",  # an essay of an export is made, others are not
        "export.after_store",  # an export's bytes are durable, its row does not know
        "relay.before_commit",  # reactions ran, nothing is committed
        "relay.after_commit",  # committed, not published
        "relay.after_publish",
        "erase.after_note",  # an erasure has begun and is noted in the store, all is still there
        "erase.after_bytes",  # a file's bytes are gone, rows and events still tell of them
        "erase.after_contents",  # the same of a batch
        "erase.before_end",  # rows and events are emptied, nothing is committed
        "backup.before_name",  # the file is whole, and has not its name
        "restore.after_database",  # the database is there, its content is not
        "restore.after_content",
        "restore.before_end",  # all is there, the marks still stand
        "move.after_database",  # the new database has all, both still stand still
    }
)
ARMED = os.environ.get(VARIABLE, "")


class FailpointReached(Exception):
    """A failpoint armed with ``raise``."""


def failpoint(name: str) -> None:
    """Do what ``name`` is armed for; nothing otherwise. Raises ``FailpointReached``."""
    if ARMED:
        for armed in ARMED.split(","):
            if armed.split(":")[0] == name:
                _reach(*armed.split(":"))


def _reach(name: str, what: str, times: str = "1") -> None:
    if not _is_due(name, int(times)):
        return
    if what == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "raise":
        raise FailpointReached(name)
    elif what == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(3600)
    elif what.startswith("sleep="):
        time.sleep(float(what.removeprefix("sleep=")))


def _is_due(name: str, times: int) -> bool:
    """Count this passage; False when it is one too many."""
    folder = Path(os.environ.get("HULEEDU_VAR", "var")) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    # A file's name is made once however many try, so passages of several processes never share a number.
    for number in range(1, times + 1):
        try:
            os.close(os.open(folder / f"failpoint-{name}-{number}", os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return True
    return False
