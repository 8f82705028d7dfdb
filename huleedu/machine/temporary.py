"""Temporary files lie in the state folder, not in a folder of everybody's: bodies of uploads are personal.

Most have no name and go with their process; what a killed process leaves is removed at the next start, and by
the regular tidying.
"""

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

NAME = "tmp"
FORGOTTEN_SECONDS = 1800.0  # no upload takes that long


def use(var: Path) -> Path:
    """Have this process put its temporary files into the folder for them in ``var``. Raises OSError."""
    folder = var / NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)
    return folder


def clear(var: Path, seconds: float = FORGOTTEN_SECONDS) -> int:
    """Remove temporary files that nobody has written to for ``seconds``. Returns how many."""
    try:
        entries = list(os.scandir(var / NAME))
    except FileNotFoundError:
        return 0
    return sum(_remove(entry, time.time() - seconds) for entry in entries)


def _remove(entry: "os.DirEntry[str]", before: float) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
        if status.st_mtime > before:
            return False
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    except FileNotFoundError:  # its process was quicker
        return False
    return True
