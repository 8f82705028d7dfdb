"""Taking a backup while everybody works: the database and the content as they are at one moment."""

import fnmatch
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import UUID, uuid4

import psycopg
import pyrage
from django.conf import settings
from psycopg import sql

from files.carrying import Wanted, carry_out
from files.models import StoredContent
from huleedu.backup import archive, postgres_tools
from huleedu.backup.archive import About, Writer
from huleedu.backup.postgres_tools import LEFT_OUT, Address
from huleedu.failures.errors import StorageFailed, Unfit
from huleedu.fit.store_mark import UNSEEN, check_store
from huleedu.forgetting.later_erasures import place_of_store
from huleedu.machine import places
from huleedu.machine.release import release
from huleedu.models import Backup
from huleedu.postgres import standstill
from huleedu.postgres.database_schema import applied_migrations

NAME = "huleedu-{moment:%Y-%m-%dT%H%M%SZ}.tar{age}"
AGE = ".age"
NAMES = "huleedu-*.tar*"
PARTIALS = ".huleedu-*.partial"
KEPT_RECORDS = timedelta(days=400)
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
HERE = "SELECT pg_export_snapshot(), clock_timestamp()"
TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname = 'public' ORDER BY relname
"""
# What was made of the rest can be made again: exports.
NOT_MADE = f"FROM files_storedcontent WHERE kind <> '{StoredContent.Kind.MADE}'"
CONTENTS = f"SELECT id, kind, sha256, size {NOT_MADE} ORDER BY created_at, id"
TOTAL = f"SELECT count(*), coalesce(sum(size), 0) {NOT_MADE}"
SOME = 2000  # rows at once
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass
class Taken:
    """What a backup came to; ``size`` and ``verified`` are known last."""

    moment: datetime
    contents: int
    content_bytes: int
    erased: list[str]
    damaged: list[str]
    encrypted: bool
    began: float
    size: int = 0
    verified: bool = False


def take(
    target: BinaryIO, recipients: list[pyrage.x25519.Recipient], *, folder: Path, with_key: bool
) -> Taken:
    """Write a backup into ``target``, encrypted for any ``recipients``; scratch lies in ``folder``.

    Raises Unfit for a database that stands still, ToolFailed, StorageFailed, OSError and psycopg.Error.
    """
    began = time.monotonic()
    see_store()
    address = Address.of_django()
    tools = postgres_tools.fitting(postgres_tools.major_of(address))
    with (
        address.connect() as database,
        tempfile.TemporaryFile(dir=folder) as spool,
        archive.writing(target, recipients) as writer,
    ):
        mark = standstill.read(database)
        if mark is not None:
            raise Unfit(str(mark))
        database.execute(BEGIN)
        snapshot, moment = one(database, HERE)
        about = describe(database, moment, tools.major, with_key=with_key)
        writer.add(archive.ABOUT, archive.encoded(about))
        spool_contents(database, spool)
        for number, block in enumerate(postgres_tools.dump(tools, address, snapshot)):
            writer.add(f"{archive.DATABASE}{number:08d}", block)
        database.execute("COMMIT")  # content never changes: what follows holds nobody up
        if with_key:
            writer.add(archive.KEY, settings.SECRET_KEY.encode())
        erased, damaged = add_contents(writer, spooled(spool))
        if damaged:
            see_store()  # or it went away meanwhile
        writer.end(erased, damaged)
    return Taken(moment, about.contents, about.content_bytes, erased, damaged, bool(recipients), began)


def see_store() -> None:
    """Raises Unfit when the store is not the installation's, StorageFailed when it does not answer."""
    if check_store() == UNSEEN:
        raise StorageFailed


def one(database: Connection, question: str | sql.Composed) -> tuple[Any, ...]:
    """The only row of an answer."""
    row = database.execute(question).fetchone()
    assert row is not None  # noqa: S101 - such questions have one
    return row


def describe(database: Connection, moment: datetime, dumped_by: int, *, with_key: bool) -> About:
    """What the backup tells of itself, read in its transaction."""
    contents, content_bytes = one(database, TOTAL)
    (identity,) = one(database, "SELECT coalesce(min(identity::text), '') FROM huleedu_installation")
    return About(
        format=archive.FORMAT,
        archive=str(uuid4()),
        release=release(),
        moment=moment.astimezone(UTC).isoformat(),
        identity=identity,
        migrations=sorted(".".join(name) for name in applied_migrations()),
        postgres=database.info.server_version // 10_000,
        dumped_by=dumped_by,
        rows=count_rows(database),
        contents=contents,
        content_bytes=int(content_bytes),
        key=with_key,
        store=place_of_store(),
    )


def count_rows(database: Connection, left_out: Sequence[str] = LEFT_OUT) -> dict[str, int]:
    """How many rows each table has whose rows are part of a backup."""
    names = [name for (name,) in database.execute(TABLES)]
    kept = [name for name in names if not any(fnmatch.fnmatch(name, each) for each in left_out)]
    count = sql.SQL("SELECT count(*) FROM public.{}")
    return {name: one(database, count.format(sql.Identifier(name)))[0] for name in kept}


def spool_contents(database: Connection, spool: IO[bytes]) -> None:
    """Note every content there is at the moment of the backup."""
    with database.cursor("contents") as cursor:
        cursor.itersize = SOME
        for content_id, kind, sha256, size in cursor.execute(CONTENTS):
            spool.write(f"{content_id} {kind} {sha256} {size}\n".encode())
    spool.seek(0)


def spooled(spool: IO[bytes]) -> Iterator[Wanted]:
    """What was noted."""
    for line in spool:
        content_id, kind, sha256, size = line.decode().split()
        yield Wanted(UUID(content_id), kind, sha256, int(size))


def add_contents(writer: Writer, wanted: Iterable[Wanted]) -> tuple[list[str], list[str]]:
    """Add each content; the ids of those that were erased meanwhile, and of those that are damaged."""
    lost = []
    for each, data in carry_out(wanted):
        if data is None:
            lost.append(each.id)
        else:
            writer.add(f"{archive.CONTENT}{each.kind}/{each.id.hex}", data)
    there: set[UUID] = set()
    for first in range(0, len(lost), SOME):
        some = StoredContent.objects.filter(pk__in=lost[first : first + SOME])
        there |= set(some.values_list("pk", flat=True))
    erased = [str(each) for each in lost if each not in there]
    return erased, [str(each) for each in lost if each in there]


def record(taken: Taken) -> None:
    """Remember a backup that has its name: for ``/metrics`` and the support page."""
    Backup.objects.create(
        moment=taken.moment,
        seconds=time.monotonic() - taken.began,
        size=taken.size,
        contents=taken.contents - len(taken.erased) - len(taken.damaged),
        damaged=len(taken.damaged),
        encrypted=taken.encrypted,
        verified=taken.verified,
    )
    Backup.objects.filter(moment__lt=taken.moment - KEPT_RECORDS).delete()


def name_in(where: Path, *, encrypted: bool) -> Path:
    """The file to write: ``where`` itself, or one named after this moment when it is a folder."""
    if not where.is_dir():
        return where
    return where / NAME.format(moment=datetime.now(UTC), age=AGE if encrypted else "")


def leave_newest(folder: Path, number: int) -> list[Path]:
    """Remove all but the newest ``number`` backups in ``folder``, by their names; returns the removed."""
    old = sorted(path for path in folder.glob(NAMES) if path.is_file())[:-number]
    for path in old:
        path.unlink()
    return old


def has_key() -> bool:
    """Whether this process has the signing key of the installation."""
    return bool(os.environ.get("SECRET_KEY")) or places.has_secret(settings.VAR_DIR, "secret-key")
