"""What is not so where a wall around readers of files is missing, and what to do. Needs no settings."""

from collections.abc import Collection
from dataclasses import dataclass

from files.steps.confinement import Wall


def gettext_noop(text: str) -> str:
    """``text`` as it is; the name lets it be collected for translation. Django's own asks for settings."""
    return text


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


def english(walls: Collection[str]) -> list[str]:
    """What is missing and what to do about each, and how much that is, for logs and terminals."""
    each = [f"{WORDS[wall].lack} {WORDS[wall].remedy}" for wall in Wall if wall in walls]
    return [*each, WEAK if is_weak(walls) else HELD] if each else []
