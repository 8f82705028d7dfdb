"""Which walls living processes do without, for ``/readyz`` and for support staff."""

from dataclasses import dataclass

from django.utils.translation import gettext

from files.steps.confinement import Wall
from huleedu.fit.agreement import living
from huleedu.machine.wall_words import HELD, WEAK, WORDS, is_weak

READERS = frozenset({"steps", "worker"})  # the roles of processes that have files read


@dataclass(frozen=True)
class Missing:
    """The walls that one process, or the readers that it starts, do without."""

    process: str
    walls: tuple[Wall, ...]


@dataclass(frozen=True)
class Lack:
    """A missing wall in the language of who asks, and the processes without it."""

    lack: str
    remedy: str
    processes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Every missing wall, and how much that is; ``known`` is False while nobody reads files."""

    lacks: tuple[Lack, ...]
    meaning: str
    known: bool


def missing() -> tuple[Missing, ...]:
    """What living processes say they do without; a wall that this release does not know is left out."""
    return of_each([(each.name, each.facts.get("walls", ())) for each in living()])


def of_each(told: list[tuple[str, list[str]]]) -> tuple[Missing, ...]:
    """Of each process that lacks something, what it told."""
    found = ((name, tuple(wall for wall in Wall if wall in names)) for name, names in told)
    return tuple(Missing(name, walls) for name, walls in found if walls)


def report() -> Report:
    """For the page of support staff."""
    processes = living()
    found = of_each([(each.name, each.facts.get("walls", ())) for each in processes])
    walls = [wall for wall in Wall if any(wall in each.walls for each in found)]
    lacks = tuple(lack_of(wall, found) for wall in walls)
    meaning = gettext(WEAK if is_weak(walls) else HELD) if walls else ""
    return Report(lacks, meaning, any(each.role in READERS for each in processes))


def lack_of(wall: Wall, found: tuple[Missing, ...]) -> Lack:
    """One missing wall in words."""
    words, names = WORDS[wall], tuple(each.process for each in found if wall in each.walls)
    return Lack(gettext(words.lack), gettext(words.remedy), names)
