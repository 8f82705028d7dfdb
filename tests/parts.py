"""The processes of a larger installation, each with its own environment, on a database of their own."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.installation import ROOT, Installation, free_port, wait_until

COMMANDS = {
    "web": ["-m", "huleedu.server", "-b", "127.0.0.1", "-p"],
    "relay": ["manage.py", "qcluster"],
    "steps": ["manage.py", "qcluster"],
    "standby": ["manage.py", "relay"],
}
OURS = ("HULEEDU_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "Q_CLUSTER_NAME")


def new_key() -> str:
    """A signing key as an operator makes one."""
    return secrets.token_urlsafe(48)


@dataclass
class Part:
    """One running process and what it has said so far."""

    process: "subprocess.Popen[bytes]"
    log: Path
    port: int

    def said(self) -> str:
        """Standard output and error."""
        return self.log.read_text()

    def ended(self, seconds: float = 30.0) -> int:
        """Wait for its end; returns the exit code."""
        return self.process.wait(seconds)

    def get(self, path: str) -> Any:
        """GET ``path`` from a web process."""
        return Installation(Path("/nowhere"), self.port).get(path)


@dataclass
class Larger:
    """What all processes share, and the processes."""

    folder: Path
    database_url: str
    var: Path  # may be shared: what is prepared there once is there for all
    key: str = field(default_factory=new_key)
    parts: list[Part] = field(default_factory=list)

    def environment(self, **changed: str) -> dict[str, str]:
        """The environment of one process; what is changed to nothing is left out."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        shared = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": os.environ["REDIS_URL"],
            "SECRET_KEY": self.key,
            "HULEEDU_VAR": str(self.var),
            "HULEEDU_STORAGE": str(self.folder / "content"),
            "HULEEDU_USER": "root",  # as these tests, which put stores and folders in each other's place
        }
        return {name: value for name, value in (kept | shared | changed).items() if value}

    def manage(self, *arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command to its end."""
        command = [sys.executable, "manage.py", *arguments]
        environment = self.environment(**changed)
        return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)

    def start(self, role: str, **changed: str) -> Part:
        """Start one process of ``role``."""
        port = free_port()
        own = {"HULEEDU_PROCESS": role}
        own |= {"Q_CLUSTER_NAME": role} if "qcluster" in COMMANDS[role] else {}
        return self.spawn(
            [*COMMANDS[role], *([str(port)] if role == "web" else [])], port, **{**own, **changed}
        )

    def run(self, module: str, **changed: str) -> Part:
        """Start a Python module."""
        return self.spawn(["-m", module], 0, **changed)

    def spawn(self, arguments: list[str], port: int, **changed: str) -> Part:
        """Start Python with ``arguments``, what it says kept."""
        log = self.folder / f"{uuid4().hex}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment(**changed),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.parts.append(Part(process, log, port))
        return self.parts[-1]

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """One statement in the installation's database, and its rows."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            done = connection.execute(statement.encode(), parameters)
            return done.fetchall() if done.description else []

    def seen(self, role: str) -> bool:
        """Whether a process of ``role`` has given a sign of life."""
        rows = self.execute("SELECT 1 FROM huleedu_relaypresence WHERE role = %s AND facts != '{}'", role)
        return bool(rows)

    def wait_for(self, *roles: str) -> None:
        """Wait for the signs of life of ``roles``."""
        wait_until(lambda: all(map(self.seen, roles)), 60, f"{roles} are seen")

    def end(self) -> None:
        """End every process that was started, and all its children."""
        for part in self.parts:
            if part.process.poll() is None:
                os.killpg(part.process.pid, 9)
            part.process.wait(10)


@contextmanager
def database(name: str, template: str = "template1") -> Iterator[str]:
    """A database of its own on the tests' server; its address."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield url.removesuffix(urlsplit(url).path) + f"/{name}"
        finally:
            wait_until(lambda: is_dropped(connection, name), 60, "the database is gone")


def is_dropped(connection: psycopg.Connection[Any], name: str) -> bool:
    """Drop a database; False while PostgreSQL itself tidies there, which only its administrator may end."""
    try:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True
