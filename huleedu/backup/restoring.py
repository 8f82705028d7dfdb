"""Restoring a backup into an installation that has nothing yet.

Everything that can be refused is refused before the first change. Then a mark stands in the database and in
the store until the last: no process serves meanwhile, and after a kill the same command begins anew.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import psycopg
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Func, UUIDField
from django.db.models.functions import Now

from files.carrying import carry_in, is_empty
from files.models import StoredContent
from files.store import reach
from huleedu.accounts import erasures
from huleedu.backup import archive, drill, postgres_tools
from huleedu.backup.archive import About
from huleedu.backup.backups import Connection, one
from huleedu.backup.drill import Read
from huleedu.backup.postgres_tools import Address
from huleedu.backup.sealing import Damaged
from huleedu.failures.failpoints import failpoint
from huleedu.fit.store_mark import MARK_SECONDS, NAME, read_mark
from huleedu.forgetting import repeating
from huleedu.forgetting.later_erasures import Facts, NotTold, Sources, in_store
from huleedu.machine import places
from huleedu.models import ApiToken, Feed, Installation, WorkItem
from huleedu.postgres import standstill
from huleedu.postgres.database_schema import known_migrations
from huleedu.postgres.standstill import AWAITING, PUT, RESTORING, Mark
from results.actions import ending_exports

LOCK = 0x52455354
RELATIONS = """
SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('v', 'r', 'p', 'S')
ORDER BY array_position(ARRAY['v', 'r', 'p', 'S']::"char"[], relkind), relname
"""
FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND NOT EXISTS (
  SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
SHOWN = 3  # migrations, in a sentence


class CannotRestore(Exception):
    """This backup cannot be restored here, and nothing was changed; the message says why and what to do."""


class Unfinished(Exception):
    """Restoring was begun and did not come to its end; its cause says why."""


@dataclass(frozen=True)
class Restored:
    """What was restored, and whether it may be ``served`` already: later erasures are known and repeated."""

    about: About
    served: bool


def check(path: Path, key_file: Path | None) -> Read:
    """Read all of a backup that this release can restore.

    Raises CannotRestore, and as ``drill.read_through``.
    """
    found = drill.read_through(path, key_file)
    known = {".".join(name) for name in known_migrations()}
    if unknown := sorted(set(found.about.migrations) - known):
        raise CannotRestore(
            f"The backup is of a newer HuleEdu ({found.about.release}), with migrations that this one does "
            f"not know ({', '.join(unknown[:SHOWN])}). Install that version, or a later one."
        )
    return found


def restore(path: Path, key_file: Path | None, sources: Sources, tell: Callable[[str], None]) -> Restored:
    """Restore the backup in ``path`` into Django's database and store, and erase what was erased since.

    Raises CannotRestore, NotTold and ``drill.read_through``'s errors before any change, Unfinished after.
    """
    read = check(path, key_file)
    tell(f"The backup is whole: {read.about.contents} contents, as of {read.about.moment}.")
    later = later_erasures(read.about, sources, tell)
    address = Address.of_django()
    with alone(address) as database:
        mark = claim(database, read.about)
        try:
            reach(partial(write_mark, restoring_mark(mark.identity)), MARK_SECONDS)
            bring_in(path, key_file, address, database)
            keep_key(read.key, tell)
            finish(mark, read, later, tell)
        except Exception as error:
            raise Unfinished from error
    return Restored(read.about, served=later is not None)


def later_erasures(about: About, sources: Sources, tell: Callable[[str], None]) -> list[Facts] | None:
    """What was erased since the backup; None when nobody says, and the old store is not to be seen from here.

    Raises NotTold.
    """
    if sources.told or not about.store:
        return sources.read(about.identity) if sources.told else None
    try:
        found = in_store(about.store, about.identity)
    except NotTold as error:
        tell(f"What was erased since the backup is not known. {error}")
        return None
    tell(f"What was erased since the backup is read from {about.store}.")
    return found


@contextmanager
def alone(address: Address) -> Iterator[Connection]:
    """A connection whose process alone restores into the database. Raises CannotRestore."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(address.connect())
        except psycopg.Error as error:
            raise CannotRestore(f"The database {address} does not answer: {error}") from error
        if not one(database, f"SELECT pg_try_advisory_lock({LOCK})")[0]:
            raise CannotRestore("Another process is restoring into this database.")
        yield database


def claim(database: Connection, about: About) -> Mark:
    """Mark an empty database, or take up what was begun with the same backup. Raises CannotRestore."""
    mark = standstill.read(database)
    if mark is not None and mark.kind == AWAITING:
        raise CannotRestore(str(mark))
    if mark is not None and (mark.kind, mark.archive) != (RESTORING, about.archive):
        raise CannotRestore(f"{mark} This is another backup: finish that one, or give an empty database.")
    if mark is None and database.execute(RELATIONS).fetchone() is not None:
        raise CannotRestore(
            "The database is not empty, and nothing is restored over what is there. Give an empty one: "
            "another folder with HULEEDU_VAR, or a new database with DATABASE_URL."
        )
    identity = mark.identity if mark else uuid4()
    found = read_mark()
    ours = {restoring_mark(identity), str(identity)}
    if found not in ours and (found is not None or not is_empty()):
        raise CannotRestore(
            "The content store is not empty, and nothing is restored over what is there. Give an empty one: "
            "another folder with HULEEDU_STORAGE, or another bucket with HULEEDU_S3_BUCKET."
        )
    if mark is not None:
        clear(database)
    standstill.put(database, RESTORING, archive=about.archive, identity=identity)
    marked = standstill.read(database)
    assert marked is not None  # noqa: S101 - it was just written
    return marked


def clear(database: Connection) -> None:
    """Remove what a restore that was killed has left in the database."""
    with database.transaction():
        for kind, name in database.execute(RELATIONS).fetchall():
            database.execute(f'DROP {kind} IF EXISTS public."{name}" CASCADE')
        for (name,) in database.execute(FUNCTIONS).fetchall():
            database.execute(f"DROP ROUTINE IF EXISTS {name} CASCADE")


def restoring_mark(identity: UUID) -> str:
    """What a store carries until all of a backup is there: a mark that is no installation's."""
    return str(uuid5(identity, RESTORING))


def write_mark(text: str) -> None:
    """Mark the store. Calls the store, nothing else."""
    default_storage.save(NAME, ContentFile(f"{text}\n".encode()))


def bring_in(path: Path, key_file: Path | None, address: Address, database: Connection) -> None:
    """The database in one transaction, then each content. Raises what its parts raise."""
    with archive.reading(path, key_file) as reader:
        about = reader.begin()
        tools = postgres_tools.fitting(about.dumped_by)
        postgres_tools.load(tools, address, reader.database())
        drill.compare_rows(database, about)
        failpoint("restore.after_database")
        contents = (
            (drill.kind_of(piece), drill.content_id(piece), piece.data())
            for piece in reader.rest()
            if piece.name.startswith(archive.CONTENT)
        )
        stored = carry_in(contents)
        end = drill.end_of(reader)
    if stored != about.contents - len(end.erased) - len(end.damaged):
        raise Damaged("it lacks content that its database knows of")
    failpoint("restore.after_content")


def keep_key(key: bytes, tell: Callable[[str], None]) -> None:
    """Put the backup's signing key into the state folder, unless that has one."""
    if not key:
        return
    if places.has_secret(settings.VAR_DIR, "secret-key"):
        if places.secret(settings.VAR_DIR, "secret-key").encode() != key:
            tell("The state folder has a signing key of its own; that of the backup was left out.")
        return
    (settings.VAR_DIR / "secrets").mkdir(mode=0o700, parents=True, exist_ok=True)
    places.write_private(settings.VAR_DIR / "secrets" / "secret-key", key.decode(), None)
    tell(f"The signing key is in {settings.VAR_DIR / 'secrets' / 'secret-key'}.")


def finish(mark: Mark, read: Read, later: list[Facts] | None, tell: Callable[[str], None]) -> None:
    """Bring what was restored up to date, end what belongs to the old installation, erase again, then unmark.

    Where nobody knows what was erased ``later``, another mark stays in the database until somebody says it.
    """
    connection.close()  # it may have been to the database before it had tables
    with standstill.passed():
        call_command("migrate", interactive=False, verbosity=0)
        if ended := begin_new_life(mark.identity, [UUID(each) for each in read.end.erased]):
            tell(f"{ended} exports are not in a backup: their rows say that they are no longer kept.")
        for sentence in repeating.repeat([*repeating.known_erasures(), *(later or [])]).words():
            tell(sentence)
        if waiting := erasures.waiting_in_words():
            tell(waiting)
        failpoint("restore.before_end")
        reach(partial(write_mark, str(mark.identity)), MARK_SECONDS)
        with transaction.atomic(), connection.cursor() as cursor:
            Installation.objects.update(store_marked=True)
            if later is None:
                cursor.execute(PUT, [AWAITING, read.about.moment, read.about.identity, mark.identity])
            else:
                cursor.execute(standstill.REMOVE)


@transaction.atomic
def begin_new_life(identity: UUID, erased: list[UUID]) -> int:
    """The installation is another one from now on: the old one may live, and the two are not mixed up.

    Its key is recorded by the first process. Tokens end like sign-ins, for one that was revoked since would
    be good again; work that was at a worker waits again; browsers begin anew, for numbers were given since;
    nothing is erased before people could look. Exports end; returns how many.
    """
    erasures.wait_anew()
    ended = ending_exports.end_all()
    StoredContent.objects.filter(pk__in=erased).delete()
    ApiToken.objects.filter(revoked_at=None).update(revoked_at=Now())
    WorkItem.objects.update(
        state=WorkItem.State.QUEUED, leased_at=None, worker="", former_worker="", deaths=0, due_at=Now()
    )
    Feed.objects.update(epoch=Func(function="gen_random_uuid", output_field=UUIDField()))
    Installation.objects.update(identity=identity, key="", former_key="", store_marked=False)
    return ended
