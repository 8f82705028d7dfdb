"""A mark beside the database's tables while they are not to be used: they are being restored, or were left.

It lies in a schema of its own, for there may be no tables yet, and is never part of a backup. Every process
asks for it before it serves, and so does ``migrate``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.signals import connection_created

from huleedu.failures.errors import Unfit

SCHEMA = "huleedu_standstill"
RESTORING, AWAITING, ENTERING, MOVING, LEFT = "restoring", "awaiting", "entering", "moving", "left"
SENTENCES = {
    RESTORING: (
        "A backup is being restored into this database, or was not restored to its end (begun {since}). "
        "Run the same manage.py restore again; it begins anew."
    ),
    AWAITING: (
        "A backup as of {told} was restored into this database, and what was erased since then is here "
        "again. Say where that can be read: manage.py repeat_erasures --old-store FOLDER (the content of the "
        "installation that was backed up) or --ledger FILE; or, when nothing was, --nothing-erased. Nobody "
        "is served before."
    ),
    ENTERING: (
        "HuleEdu's database is being moved into this one, or was not moved to its end (begun {since}). Run "
        "the same manage.py move_database again; it begins anew."
    ),
    MOVING: (
        "This database is being moved to {told}, or was not moved to its end (begun {since}). Run the same "
        "manage.py move_database again; it begins anew."
    ),
    LEFT: (
        "This database was left at {since}: since then HuleEdu keeps everything in {told}. Start HuleEdu "
        "with that one; docs/operations.md, 'Moving the database', says how."
    ),
}
THERE = f"SELECT to_regclass('{SCHEMA}.mark') IS NOT NULL"
READ = f"SELECT kind, told, archive, identity, since FROM {SCHEMA}.mark"  # noqa: S608
MAKE = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), kind text NOT NULL, told text NOT NULL,
  archive text NOT NULL, identity uuid NOT NULL, since timestamptz NOT NULL DEFAULT now())
"""
PUT = f"""
INSERT INTO {SCHEMA}.mark (kind, told, archive, identity) VALUES (%s, %s, %s, %s)
ON CONFLICT (one) DO UPDATE SET kind = excluded.kind, told = excluded.told, archive = excluded.archive,
  identity = excluded.identity, since = now()
"""  # noqa: S608
REMOVE = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"
# Commands that ask for the mark themselves.
KNOWING = frozenset(
    {
        "backup",
        "check_installation",
        "first_start",
        "move_database",
        "qcluster",
        "relay",
        "repeat_erasures",
        "restore",
    }
)
PASSED: ContextVar[bool] = ContextVar("standstill_passed", default=False)
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Mark:
    """Why the database stands still.

    ``told`` names where it went, or when the backup was taken; ``archive`` is the backup that is restored
    into it, or the identity of the installation whose later erasures are awaited.
    """

    kind: str
    told: str
    archive: str
    identity: UUID
    since: datetime

    def __str__(self) -> str:
        """What whoever starts a process is told."""
        return SENTENCES[self.kind].format(told=self.told, since=f"{self.since:%Y-%m-%d %H:%M %Z}")


def check_standstill() -> None:
    """Raises Unfit with what to do when the database stands still, and DatabaseError."""
    if not PASSED.get() and (mark := current()) is not None:
        raise Unfit(str(mark))


def current() -> Mark | None:
    """The mark in Django's database, if there is one. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(THERE)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(READ)
        row = cursor.fetchone()
    return Mark(*row) if row is not None else None


def refuse(**_told: object) -> None:
    """Before a command changes anything. Raises CommandError when the database stands still."""
    try:
        check_standstill()
    except Unfit as error:
        raise CommandError(str(error), returncode=os.EX_CONFIG) from error


def guard(command: str) -> None:
    """Have ``command`` end, with words, as soon as it is connected to a database that stands still."""
    if command not in KNOWING:
        connection_created.connect(refuse, dispatch_uid="standstill")


@contextmanager
def passed() -> Iterator[None]:
    """Within the block the mark is known of: whoever restores works behind it."""
    token = PASSED.set(True)
    try:
        yield
    finally:
        PASSED.reset(token)


def read(database: "psycopg.Connection[Row]") -> Mark | None:
    """The mark in ``database``, if there is one. Raises psycopg.Error."""
    there = database.execute(THERE).fetchone()
    if there is None or not there[0]:
        return None
    row = database.execute(READ).fetchone()
    return Mark(*row) if row else None


def put(
    database: "psycopg.Connection[Row]",
    kind: str,
    told: str = "",
    archive: str = "",
    identity: UUID | None = None,
) -> None:
    """Mark ``database``, whatever its mark was. Raises psycopg.Error."""
    with database.transaction():
        database.execute(MAKE)
        database.execute(PUT, [kind, told, archive, identity or uuid4()])


def remove(database: "psycopg.Connection[Row]") -> None:
    """The database may be used from now on. Raises psycopg.Error."""
    database.execute(REMOVE)
