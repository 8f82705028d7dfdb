"""Commands about backups as processes of their own, with a database and a store of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
from django.conf import settings

from huleedu.backup.postgres_tools import Address
from tests.faults.ending import database_address
from tests.installation import wait_until
from tests.parts import is_dropped

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """An installation as commands see it: a database, a folder of content, a state folder."""

    folder: Path
    database: str
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What its commands are started with."""
        return {
            **os.environ,
            "DATABASE_URL": self.database,
            "HULEEDU_VAR": str(self.folder),
            "HULEEDU_STORAGE": str(self.folder / "content"),
            "SECRET_KEY": settings.SECRET_KEY,
            "HULEEDU_USER": "root",
            "DJANGO_SETTINGS_MODULE": "huleedu.settings",
            **self.variables,
        }

    def manage(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**self.environment(), **variables},
            capture_output=True,
            text=True,
            timeout=100,
        )

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection to its database."""
        return Address.from_url(self.database).connect()


@contextmanager
def empty_place(folder: Path) -> Iterator[Place]:
    """A place with an empty database beside the tests' own."""
    name = f"backup_{uuid4().hex}"
    address = Address.from_url(database_address())
    with address.connect() as database:
        database.execute(f"CREATE DATABASE {name}")
    folder.mkdir()
    try:
        yield Place(folder, database_address().replace(str(address.words["dbname"]), name))
    finally:
        with address.connect() as database:
            wait_until(lambda: is_dropped(database, name), 60, "the database is gone")
