"""What is found of each part of the installation, for "Is everything well?". Any thread may ask."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from huleedu.answers.measures import size_in_words
from huleedu.backup.last_backup import OLD_SECONDS, backup_age
from huleedu.failures.errors import Unfit
from huleedu.fit import wall_report
from huleedu.fit.agreement import Process, find_differences, living
from huleedu.fit.fitting import REFUSED
from huleedu.fit.server_versions import noted
from huleedu.machine import log_files, programs
from huleedu.machine.release import release
from huleedu.outside.disks import FINDINGS, Disk
from huleedu.postgres import database_schema
from huleedu.watching import health
from realtime.push import redis_client

WELL, LOOK, FAILED, SILENT = "well", "look", "failed", "silent"
RUNNING_SECONDS = "extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
Words = str | Promise


@dataclass(frozen=True)
class Part:
    """A part of the installation; ``note`` says what it is, ``remedy`` what is to be done, if anything."""

    name: Words
    state: str
    version: str = ""
    since: datetime | None = None
    note: Words = ""
    remedy: Words = ""


@dataclass(frozen=True)
class Role:
    """A kind of process: its name, its state when none gives a sign of life, and what to do then."""

    name: Words
    absent: str
    remedy: Words


ROLES = {
    "web": Role(_("Web server"), LOOK, _("It answers you, and will give its sign of life within a minute.")),
    "relay": Role(_("Relay"), FAILED, _("Start the relay: nothing moves without it. No event is lost.")),
    "standby": Role(
        _("Standby relay"),
        LOOK,
        _("Start a second relay, or read logs/standby.log: the first has no substitute."),
    ),
    "steps": Role(
        _("Steps (reading and checking)"),
        FAILED,
        _("Start the step workers: files wait until then. Nothing is lost."),
    ),
}


DISKS = {
    "state": _("State folder"),
    "temporary": _("Temporary files"),
    "content": _("Essays"),
    "database": _("Database"),
}


def moment_of(told: Any) -> datetime | None:
    """A moment as a process wrote it; None for what is none."""
    try:
        found = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def since_seconds(seconds: float) -> datetime:
    """The moment so long ago."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def processes() -> list[Part]:
    """The processes by what they do; those that were refused come last."""
    found = living()
    parts = [
        part_of_role(role, words, [each for each in found if each.role == role])
        for role, words in ROLES.items()
    ]
    refused = [each for each in found if each.role == REFUSED]
    return [*parts, *(refused_part(each) for each in refused)]


def part_of_role(role: str, words: Role, found: list[Process]) -> Part:
    """All processes of one role together."""
    if not found:
        return Part(words.name, words.absent, remedy=words.remedy)
    started = [moment for each in found if (moment := moment_of(each.facts.get("started")))]
    versions = sorted({str(each.facts.get("release") or "") for each in found} - {""})
    since = min(started) if started else None
    return Part(words.name, WELL, ", ".join(versions), since, ", ".join(each.name for each in found))


def refused_part(process: Process) -> Part:
    """A process that did not start because it does not fit."""
    reason = str(process.facts.get("reason", ""))
    return Part(
        _("A process that was not let in"),
        LOOK,
        note=f"{process.name}: {reason}",
        remedy=_("Do what it says."),
    )


def supervisor() -> list[Part]:
    """What keeps the small installation running, and its guard; nothing where it was not started so."""
    try:
        pid = int((settings.VAR_DIR / "run" / programs.LOCK_NAME).read_text())
    except (OSError, ValueError):
        return []
    name = _("Supervisor and its guard")
    remedy = _("Start HuleEdu again (make run, or systemctl restart huleedu).")
    facts = programs.process_facts(pid)
    if facts is None:
        return [Part(name, LOOK, remedy=remedy)]
    since = since_seconds(time.clock_gettime(time.CLOCK_BOOTTIME) - facts.started / programs.CLOCK_TICKS)
    guarded = programs.has_guard(settings.VAR_DIR / "run")
    return [Part(name, WELL if guarded else LOOK, release(), since, remedy="" if guarded else remedy)]


def postgres() -> list[Part]:
    """The database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting('server_version'), {RUNNING_SECONDS}")
        version, seconds = cursor.fetchone()
    ours = noted(settings.VAR_DIR).get("postgres")
    embedded = ours is not None and ours.embedded
    note = _("The embedded one, which gets security updates late.") if embedded else ""
    remedy = _("For everyday use install PostgreSQL of the distribution; docs/operations.md says how.")
    state = LOOK if embedded else WELL
    return [Part(_("PostgreSQL"), state, version, since_seconds(seconds), note, remedy if embedded else "")]


def valkey() -> list[Part]:
    """What carries live messages."""
    found = redis_client().info("server")
    version = str(found.get("valkey_version") or found.get("redis_version") or "")
    return [
        Part(_("Valkey or Redis"), WELL, version, since_seconds(float(found.get("uptime_in_seconds", 0))))
    ]


def store() -> list[Part]:
    """Where essays' bytes are kept; raises what the store raises."""
    health.check_storage()
    kept = f"S3: {settings.S3_BUCKET}" if settings.S3_BUCKET else str(settings.STORAGE_ROOT)
    return [Part(_("Store of files"), WELL, note=kept)]


def disks() -> list[Part]:
    """Each disk of this machine that something of ours lies on."""
    return [part_of_disk(each) for each in FINDINGS.now()]


def part_of_disk(disk: Disk) -> Part:
    """A disk, and whether uploads go on."""
    low = disk.free < disk.margin
    note = _("%(disk)s: %(free)s of %(size)s are free") % {
        "disk": DISKS.get(disk.name, disk.name),
        "free": size_in_words(disk.free),
        "size": size_in_words(disk.size),
    }
    remedy = _("Make room: no file can be added until then. Everything else goes on.")
    return Part(_("Disk"), FAILED if low else WELL, note=note, remedy=remedy if low else "")


def backup() -> list[Part]:
    """When the last backup was taken."""
    name = _("Backup")
    age = backup_age()
    if age < OLD_SECONDS:
        return [Part(name, WELL, since=since_seconds(age))]
    since = since_seconds(age) if isfinite(age) else None
    note = "" if since else _("There is none.")
    return [Part(name, LOOK, since=since, note=note, remedy=_("Take one now; docs/operations.md says how."))]


def walls() -> list[Part]:
    """What machines do not give that keeps readers of files apart."""
    found = wall_report.report()
    name = _("Walls around readers")
    if not found.lacks:
        return [Part(name, WELL if found.known else LOOK)]
    state = WELL if all(wall == "network" for each in wall_report.missing() for wall in each.walls) else LOOK
    lacks = " ".join(each.lack for each in found.lacks)
    return [Part(name, state, note=lacks, remedy=" ".join(each.remedy for each in found.lacks))]


def versions() -> list[Part]:
    """Whether all processes are of one release and have the same settings."""
    name = _("Versions and settings")
    differences = find_differences(living())
    if not differences:
        return [Part(name, WELL, release())]
    state = FAILED if any(each.harmful for each in differences) else LOOK
    return [Part(name, state, release(), note=each.process, remedy=each.text) for each in differences]


def migrations() -> list[Part]:
    """Whether this code and the database's tables belong together."""
    name = _("Migrations")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(applied) FROM django_migrations")
        number, newest = cursor.fetchone()
    try:
        database_schema.check_schema()
    except Unfit as error:
        return [Part(name, FAILED, str(number), newest, remedy=str(error))]
    return [Part(name, WELL, str(number), newest)]


def logs() -> list[Part]:
    """How large the logs are, and when something was written last."""
    found = list(log_files.log_files(settings.VAR_DIR / "logs"))
    return [part_of_logs(found)] if found else []


def part_of_logs(found: Iterable[log_files.LogFile]) -> Part:
    """All logs of this machine together."""
    found = list(found)
    size = sum(each.size for each in found)
    large = size > log_files.LARGE_BYTES
    since = since_seconds(min(each.silent_seconds for each in found))
    note = ngettext_lazy(
        "%(number)s file, %(size)s; the time beside is that of the last line",
        "%(number)s files, %(size)s; the time beside is that of the last line",
        len(found),
    ) % {"number": len(found), "size": size_in_words(size)}
    remedy = _("Run logrotate by hand and read what it says; look what is written so often.")
    return Part(_("Logs"), LOOK if large else WELL, "", since, note, remedy if large else "")
