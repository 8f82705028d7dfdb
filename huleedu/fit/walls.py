"""The walls around readers of files: which of them this machine does not give.

A kernel, or the container around a process, may lack some. What is missing shows in the log at the start, in
the terminal of ``make run``, in ``/readyz`` and on the support staff's page of processes.
"""

import os
from functools import cache

import structlog
from django.conf import settings

from files.steps.confinement import Wall, is_hidden, seal
from huleedu.machine.wall_words import english

_UNSEALED = 255  # no child's sum of missing walls
log = structlog.get_logger(__name__)


@cache
def find_missing() -> tuple[Wall, ...]:
    """The walls that a reader started here would lack, tried on a child; all, when it cannot be sealed."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _be_sealed(parent)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lacks = code if code >= 0 else _UNSEALED
    return tuple(wall for number, wall in enumerate(Wall) if lacks & 1 << number)


def _be_sealed(parent: int) -> None:
    """The child's whole life: it ends with the sum of what it lacks."""
    code = _UNSEALED
    try:
        missing = seal(parent)
        code = sum(1 << number for number, wall in enumerate(Wall) if wall in missing)
    finally:
        os._exit(code)


def of_this_process() -> tuple[Wall, ...]:
    """What is missing here: step workers start readers, and every process keeps its memory to itself."""
    if settings.PROCESS == "steps":
        return find_missing()
    return () if is_hidden() or settings.PROCESS not in settings.SERVING else (Wall.MEMORY,)


def log_missing() -> None:
    """Say in the log, in one line, which walls stand here."""
    walls = of_this_process()
    if walls:
        log.warning("walls.missing", missing=list(walls), reason=" ".join(english(walls)))
    elif settings.PROCESS == "steps":
        log.info("walls.complete")
