"""Looks into another process as a program of the same user can that has no right to trace others."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.files.sealed import CALLS, KERNEL, checked


def look(pid: int) -> None:
    """Become the user of the process ``pid``, and print in which ways it can be seen into."""
    user = Path(f"/proc/{pid}").stat().st_uid
    if os.geteuid() == 0 and user != 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    ways: dict[str, Callable[[], object]] = {
        "environ": lambda: os.read(os.open(f"/proc/{pid}/environ", os.O_RDONLY), 1),
        "mem": lambda: os.open(f"/proc/{pid}/mem", os.O_RDONLY),
        "maps": lambda: os.read(os.open(f"/proc/{pid}/maps", os.O_RDONLY), 1),
        "open files": lambda: Path(f"/proc/{pid}/fd/0").readlink(),
        "trace": lambda: checked(KERNEL.syscall(CALLS["ptrace"], 0x4206, pid, 0, 0)),
    }
    seen = []
    for name, way in ways.items():
        with suppress(OSError):
            way()
            seen.append(name)
    sys.stdout.write(json.dumps(seen))
