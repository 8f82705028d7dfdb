"""The walls around readers of files: which of them this machine does not give, and what to do, in words.

A kernel, or the container around a process, may lack some. What is missing shows in the log at the start, in
the terminal of ``make run``, in ``/readyz`` and on the support staff's page of processes.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from django.utils.translation import gettext_noop

from files.steps.confinement import Wall, is_hidden, seal

_UNSEALED = 255  # no child's sum of missing walls
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Words:
    """What is not so where a wall is missing, and what to do, in English as Django's translations find it."""

    lack: str
    remedy: str


WORDS: dict[Wall, Words] = {
    Wall.CALLS: Words(
        gettext_noop("The kernel does not narrow what a reader of files may ask of it."),
        gettext_noop("Run HuleEdu on Linux for x86-64 or 64-bit ARM, where seccomp filters are permitted."),
    ),
    Wall.PATHS: Words(
        gettext_noop("The kernel does not keep readers of files away from folders: it has no Landlock."),
        gettext_noop(
            "Use Linux 5.13 or later with “landlock” in /sys/kernel/security/lsm, and a container engine "
            "that permits it."
        ),
    ),
    Wall.RIGHTS: Words(
        gettext_noop("Readers of files keep rights that they do not need."),
        gettext_noop("Start HuleEdu as an ordinary user, or as root that may change its user."),
    ),
    Wall.MEMORY: Words(
        gettext_noop("Other programs of the same user may look into this process’s memory."),
        gettext_noop("Run HuleEdu on Linux, and let nothing else run as its user."),
    ),
    Wall.NETWORK: Words(
        gettext_noop("Readers of files have no empty network of their own."),
        gettext_noop(
            "Permit user namespaces (user.max_user_namespaces above 0, in a container its engine’s setting), "
            "or leave it while nothing else is missing: sockets are refused all the same."
        ),
    ),
}
HELD = gettext_noop("The other walls hold in its place.")
WEAK = gettext_noop("A hostile file meets fewer walls than it should.")


def is_weak(walls: Collection[str]) -> bool:
    """Whether more is missing than what another wall makes up for: the filter of calls refuses sockets."""
    return not set(walls) <= {Wall.NETWORK}


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


def english(walls: Collection[str]) -> list[str]:
    """What is missing and what to do about each, and how much that is, for logs and terminals."""
    each = [f"{WORDS[wall].lack} {WORDS[wall].remedy}" for wall in Wall if wall in walls]
    return [*each, WEAK if is_weak(walls) else HELD] if each else []


def log_missing() -> None:
    """Say in the log, in one line, which walls stand here."""
    walls = of_this_process()
    if walls:
        log.warning("walls.missing", missing=list(walls), reason=" ".join(english(walls)))
    else:
        log.info("walls.complete")
