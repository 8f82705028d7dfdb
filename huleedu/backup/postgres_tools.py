"""PostgreSQL's own pg_dump and pg_restore: which of them fits a server, and what they say."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from huleedu.machine import places, postgres_choice, programs
from huleedu.machine.places import InstallationError

BLOCK = 1024 * 1024
KNOWN_SINCE = 17  # the first major version that knows the setting below
UNKNOWN_BEFORE = b"SET transaction_timeout = 0;\n"
PREAMBLE_BYTES = 4096  # of a script, in which it stands
TOLD_CHARACTERS = 600
# Not data of the installation, or of no use elsewhere: sign-ins end, tokens of the queue are made anew.
LEFT_OUT = ("django_session", "django_q_*", "huleedu_relaypresence")


class ToolFailed(Exception):
    """One of PostgreSQL's programs is missing or failed; the message says which and why."""


@dataclass(frozen=True)
class Address:
    """How libpq finds a database: its own keywords and their values."""

    words: Mapping[str, str]

    @classmethod
    def from_url(cls, url: str) -> "Address":
        """From ``postgresql://…``. Raises psycopg.ProgrammingError."""
        return cls({name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None})

    @classmethod
    def of_django(cls) -> "Address":
        """The one that Django uses."""
        settings = connection.settings_dict
        names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
        words = {word: str(settings[name]) for word, name in names.items() if settings.get(name)}
        known = {each.keyword.decode() for each in psycopg.pq.Conninfo.get_defaults()}
        options = {name: str(value) for name, value in settings["OPTIONS"].items() if name in known}
        return cls({**options, **words})

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection of its own, each statement a transaction unless said. Raises psycopg.Error."""
        words = {name: value for name, value in self.words.items() if name != "options"}
        return psycopg.connect(make_conninfo("", **words), autocommit=True)

    def environment(self) -> dict[str, str]:
        """The same as variables for PostgreSQL's programs: a password has no place among arguments."""
        names = {
            each.keyword.decode(): each.envvar.decode()
            for each in psycopg.pq.Conninfo.get_defaults()
            if each.envvar
        }
        told = {names[word]: value for word, value in self.words.items() if word in names}
        told.pop("PGOPTIONS", None)
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **home(), **told}

    def __str__(self) -> str:
        """For people: where it is, without user and password."""
        host, port = self.words.get("host", "this machine"), self.words.get("port", "")
        return f"{self.words.get('dbname', '')} at {host}{f':{port}' if port else ''}"


def home() -> dict[str, str]:
    """Where certificates of libpq are looked for."""
    return {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}


@dataclass(frozen=True)
class Tools:
    """A folder with pg_dump, pg_restore and psql of one version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one."""
        return str(self.folder / name)


def major_of(address: Address) -> int:
    """The major version of the server there. Raises psycopg.Error."""
    with address.connect() as database:
        return database.info.server_version // 10_000


def fitting(least: int) -> Tools:
    """The oldest programs of version ``least`` or later. Raises ToolFailed when there are none."""
    usable = sorted((each for each in found() if each.major >= least), key=lambda each: each.major)
    if usable:
        return usable[0]
    there = ", ".join(str(each.major) for each in found()) or "none"
    raise ToolFailed(
        f"pg_dump and pg_restore of PostgreSQL {least} or later are needed; here are those of: {there}. "
        f"Install them (apt install postgresql-client-{least})."
    )


def found() -> Iterator[Tools]:
    """Those of the distribution, of ``HULEEDU_POSTGRES``, and the embedded ones."""
    folders = [path for pattern in postgres_choice.FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    named = os.environ.get(postgres_choice.VARIABLE, "")
    folders += [Path(named)] if named not in {"", postgres_choice.EMBEDDED} else []
    folders += [Path(each) for each in postgres_choice.SEARCHED.split(":")]
    with suppress(InstallationError):
        folders.append(places.binaries(None).postgres)
    for folder in dict.fromkeys(folders):
        major = version_of(folder)
        if major:
            yield Tools(folder, major)


def version_of(folder: Path) -> int:
    """The major version of the programs there; 0 when they are not all there, or do not run."""
    if not all(os.access(folder / name, os.X_OK) for name in ("pg_dump", "pg_restore", "psql")):
        return 0
    done = subprocess.run(  # noqa: S603
        [str(folder / "pg_restore"), "--version"], check=False, capture_output=True, text=True
    )
    number = done.stdout.split()[2].split(".")[0] if len(done.stdout.split()) > 2 else ""
    return int(number) if number.isdigit() else 0


def dump(
    tools: Tools, address: Address, snapshot: str, left_out: Sequence[str] = LEFT_OUT
) -> Iterator[bytes]:
    """The database as pg_dump writes it, as of ``snapshot``, without the rows of ``left_out``.

    Raises ToolFailed.
    """
    options = ["--format=custom", "--no-owner", "--no-privileges", "--exclude-schema=huleedu_standstill"]
    options += [f"--exclude-table-data={table}" for table in left_out]
    options.append(f"--snapshot={snapshot}")
    return piped([tools.program("pg_dump"), *options], address.environment())


def load(tools: Tools, address: Address, blocks: Iterator[bytes]) -> None:
    """Carry out a dump in one transaction: all, or nothing. Raises ToolFailed, and what ``blocks`` does."""
    restore = [tools.program("pg_restore"), "--no-owner", "--no-privileges"]
    environment = address.environment()
    if major_of(address) >= min(tools.major, KNOWN_SINCE):
        name = address.words.get("dbname", "")
        direct = [*restore, "--single-transaction", "--exit-on-error", f"--dbname={name}"]
        said = piped(direct, environment, blocks)
    else:
        client = [tools.program("psql"), "--no-psqlrc", "--quiet", "--single-transaction"]
        client += ["--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        script = without_unknown(piped([*restore, "--file=-"], environment, blocks))
        said = piped(client, environment, script)
    for _block in said:
        pass


def without_unknown(script: Iterator[bytes]) -> Iterator[bytes]:
    """A newer version's script as older servers understand it."""
    first = next(script, b"")
    yield first[:PREAMBLE_BYTES].replace(UNKNOWN_BEFORE, b"", 1) + first[PREAMBLE_BYTES:]
    yield from script


def piped(
    command: list[str], environment: Mapping[str, str], blocks: Iterator[bytes] | None = None
) -> Iterator[bytes]:
    """What a program writes while it reads ``blocks``. Raises ToolFailed, and what ``blocks`` raises.

    Where the reader of this, or ``blocks``, gives up, the program is killed: the end of its input would read
    as if all of it had come.
    """
    failures: list[BaseException] = []
    with tempfile.TemporaryFile() as said, start(command, environment, said, blocks) as process:
        feeder = feed(process, blocks, failures) if blocks is not None else None
        whole = False
        try:
            while block := (process.stdout.read(BLOCK) if process.stdout else b""):
                yield block
            whole = True
        finally:
            if not whole:
                process.kill()
            if feeder is not None:
                feeder.join()
        code = process.wait()
        if failures:
            raise failures[0]
        if code:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[:TOLD_CHARACTERS]
            raise ToolFailed(f"{Path(command[0]).name} failed. {words}")


def start(
    command: list[str], environment: Mapping[str, str], said: IO[bytes], blocks: Iterator[bytes] | None
) -> "subprocess.Popen[bytes]":
    """Start a program that ends with this process. Raises ToolFailed."""
    try:
        return subprocess.Popen(  # noqa: S603
            programs.dying_with_us(command, signal.SIGKILL),
            env=dict(environment),
            stdin=subprocess.DEVNULL if blocks is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
    except OSError as error:
        raise ToolFailed(f"{command[0]} could not be started: {error}") from error


def feed(
    process: "subprocess.Popen[bytes]", blocks: Iterator[bytes], failures: list[BaseException]
) -> threading.Thread:
    """Write ``blocks`` to the program, beside the reading of what it writes."""

    def run() -> None:
        try:
            for block in blocks:
                process.stdin.write(block) if process.stdin else None
            process.stdin.close() if process.stdin else None
        except BrokenPipeError:  # it has ended, and its words say why
            process.kill()
        except BaseException as error:
            process.kill()
            failures.append(error)
        finally:
            if isinstance(blocks, Generator):
                blocks.close()
            with suppress(BrokenPipeError):  # what was not written yet
                process.stdin.close() if process.stdin else None

    thread = threading.Thread(target=run, name="feed", daemon=True)
    thread.start()
    return thread
