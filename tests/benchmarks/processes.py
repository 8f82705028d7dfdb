"""What the processes of an installation use: processor time and memory, each and all together."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huleedu.machine.programs import processes
from tests.faults.world import children
from tests.installation import Installation

TICKS = os.sysconf("SC_CLK_TCK")
NAME = re.compile(r"HULEEDU_PROCESS=(\w+)")
ISOLATED = b"\0-I\0"  # how Python is started where untrusted files are read and texts are checked


@dataclass(frozen=True)
class Use:
    """One process: its part of the installation, nanoseconds of processor time, bytes of memory.

    ``memory`` counts a page that several share in shares; ``shared`` is the part of it in shared memory.
    """

    name: str
    processor: int
    memory: int
    shared: int
    parent: int = 0


def used(at: Installation) -> dict[int, Use]:
    """Every living process below the installation's supervisor, by its id."""
    assert at.process is not None
    names: dict[int, str] = {}
    parents = dict(family(at.process.pid))
    for pid, parent in parents.items():
        with suppress(OSError):
            names[pid] = name_of(pid, names.get(parent, "supervisor"))
    found: dict[int, Use] = {}
    for pid, name in names.items():
        with suppress(OSError):
            memory = memory_of(pid)
            found[pid] = Use(name, processor_of(pid), memory["Pss"], memory["Pss_Shmem"], parents[pid])
    return found


def spent(before: dict[int, Use], after: dict[int, Use]) -> Counter[str]:
    """Nanoseconds of processor time of each part between two looks.

    What has ended meanwhile is in the time of whoever started it, and counts there once.
    """
    found: Counter[str] = Counter()
    for use in after.values():
        found[use.name] += use.processor
    for pid, use in before.items():
        heir = pid
        while heir not in after and heir in before:
            heir = before[heir].parent
        found[after[heir].name if heir in after else use.name] -= use.processor
    return found


def family(root: int) -> Iterator[tuple[int, int]]:
    """A process and all below it, each with its parent, parents first."""
    todo = [(root, 0)]
    while todo:
        pid, parent = todo.pop(0)
        yield pid, parent
        todo += [(child, pid) for child in children(pid)]


def name_of(pid: int, parents_name: str) -> str:
    """The part a process belongs to; one without an environment of ours is told by its program or parent."""
    if ISOLATED in Path(f"/proc/{pid}/cmdline").read_bytes():
        return "sandbox"
    with suppress(PermissionError):  # hidden from all but root
        if told := NAME.search(Path(f"/proc/{pid}/environ").read_text(errors="replace")):
            return told[1]
    program = next((facts.name for facts in processes() if facts.pid == pid), "")
    return {"postgres": "PostgreSQL", "valkey-server": "Valkey"}.get(program, parents_name)


def processor_of(pid: int) -> int:
    """Nanoseconds of processor time of all threads of a process, and of its children that have ended.

    The kernel counts living threads in nanoseconds and, with those that have ended, in ticks: whichever
    tells more.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, ended = (sum(map(int, fields[place : place + 2])) * 10**9 // TICKS for place in (11, 13))
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return max(own, sum(int(task.read_text().split()[0]) for task in tasks)) + ended


def memory_of(pid: int) -> dict[str, int]:
    """The kernel's sums over all mappings of a process, in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) * 1024 for name, value in (line.split(":") for line in lines)}
