"""Is everything well? Each part of the installation: its state, version, since when, and what to do.

What asks the database, Redis, the store or a disk runs in a thread of its own, so that one that hangs is told
of as such within two seconds and hides none of the others.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from huleedu.outside.threads import Threads
from huleedu.watching import well_parts
from huleedu.watching.well_parts import FAILED, SILENT, Part

SECONDS = 1.7  # for everything, so that the page is there within two
MOST_THREADS = 2  # of each source: one that hangs takes none from the others, however often somebody looks
Look = Callable[[], list[Part]]


@dataclass(frozen=True)
class Source:
    """Something that is asked at once for several parts; ``remedy`` is for when it does not answer."""

    name: str | Promise
    look: Look
    remedy: str | Promise
    threads: Threads = field(default_factory=lambda: Threads("well", MOST_THREADS))


SOURCES = (
    Source(_("Processes"), well_parts.processes, _("Look at PostgreSQL first; they tell it that they live.")),
    Source(_("Supervisor"), well_parts.supervisor, _("Look at the disk of the state folder.")),
    Source(_("PostgreSQL"), well_parts.postgres, _("Start PostgreSQL, and look whether its disk is full.")),
    Source(
        _("Valkey or Redis"),
        well_parts.valkey,
        _("Start it. Nothing is lost meanwhile: pages follow every few seconds."),
    ),
    Source(
        _("Store of files"),
        well_parts.store,
        _("Look at the disk, the network file system or the S3 server. HuleEdu goes on by itself."),
    ),
    Source(
        _("Disks"), well_parts.disks, _("A disk or network file system hangs: look at the machine’s log.")
    ),
    Source(_("Backup"), well_parts.backup, _("Look at PostgreSQL first.")),
    Source(_("Walls around readers"), well_parts.walls, _("Look at PostgreSQL first.")),
    Source(_("Versions and settings"), well_parts.versions, _("Look at PostgreSQL first.")),
    Source(_("Migrations"), well_parts.migrations, _("Look at PostgreSQL first.")),
    Source(_("Logs"), well_parts.logs, _("Look at the disk of the state folder.")),
)


def all_parts() -> list[Part]:
    """Every part in a fixed order, within two seconds."""
    language = get_language()
    futures = [(source, source.threads.run(in_a_thread(source.look, language))) for source in SOURCES]
    wait([future for _source, future in futures], SECONDS)
    return [part for source, future in futures for part in parts_of(source, future)]


def in_a_thread(look: Look, language: str) -> Look:
    """``look`` in the language of who asks, that leaves the thread no connection to the database."""

    def looked() -> list[Part]:
        try:
            with override(language):
                return look()
        finally:
            connection.close()

    return looked


def parts_of(source: Source, future: "Future[list[Part]]") -> Iterator[Part]:
    """What was found; that there was no answer; or that there was a failure, whose words nobody needs."""
    if not future.done():
        future.cancel()
        yield Part(source.name, SILENT, remedy=source.remedy)
    elif future.exception() is not None:
        yield Part(source.name, FAILED, remedy=source.remedy)
    else:
        yield from future.result()
