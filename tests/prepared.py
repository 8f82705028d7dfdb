"""A state folder as a first start leaves it, made once for a whole run; installations begin with a copy.

A first start takes ten seconds of the processor more than any other: a database is made and brought up to
date, and static files are compressed. The copies have one key, one password for each role and one name in
common, so what compares installations, or looks at a first start, says ``fresh``.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

VARIABLE = "TESTS_PREPARED"


def begin() -> Callable[[], None]:
    """Let this process, and those that it starts, share a state folder; what is returned removes it."""
    folder = Path(tempfile.mkdtemp(prefix="huleedu-prepared-"))
    folder.chmod(0o755)  # installations run as somebody else
    os.environ[VARIABLE] = str(folder)
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def bring(var: Path, make: Callable[[Path], None]) -> None:
    """Copy the state folder to ``var``; who is first has ``make`` make it. Outside of tests: nothing."""
    kept = os.environ.get(VARIABLE)
    if kept is None or var.exists():
        return
    prepared = Path(kept) / "var"
    with (Path(kept) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (Path(kept) / "made").exists():
            shutil.rmtree(prepared, ignore_errors=True)  # whoever made it did not come to an end
            make(prepared)
            (Path(kept) / "made").touch()
    subprocess.run(["cp", "--archive", str(prepared), str(var)], check=True)
