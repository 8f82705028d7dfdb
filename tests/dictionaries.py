"""The spelling step's tables, made once for all tests: they cost two seconds for each language.

They lie where pytest keeps things between runs, under their version's name.
"""

import fcntl
import os
import shutil
from pathlib import Path

from essays.steps.languages import LANGUAGES
from essays.steps.lexicon import keep_tables_in, lexicon_for

VARIABLE = "TESTS_DICTIONARIES"


def use(folder: Path) -> None:
    """Let this process, and the installations that it starts, find the tables in ``folder``."""
    os.environ[VARIABLE] = str(folder)
    keep_tables_in(folder)


def bring(var: Path) -> None:
    """Lay the tables into a state folder that is still to be made; outside of tests nothing happens."""
    kept = os.environ.get(VARIABLE)
    if kept is None or var.exists():
        return
    with (Path(kept) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for code in LANGUAGES:
            lexicon_for(code)
    var.mkdir(mode=0o700, parents=True)
    shutil.copytree(kept, var / "cache", ignore=shutil.ignore_patterns("lock"))
