"""PostgreSQL and Valkey for the small installation and for tests, as children of ours.

Both listen on unix sockets in folders of their own account and ask for a generated password besides.
``python -m huleedu.embedded -- COMMAND …`` runs a command with throwaway servers, their addresses in
``DATABASE_URL`` and ``REDIS_URL``; with ``--kept`` before that, with the database of an installation that
is stopped.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol
from urllib.parse import quote

import psycopg
from psycopg import sql

from huleedu.machine import places, postgres_choice, programs, stepping_down
from huleedu.machine.places import InstallationError
from huleedu.machine.postgres_choice import Postgres
from huleedu.machine.programs import Account, Program

DATABASE = "huleedu"
OWNER = "huleedu"
ADMINISTRATOR = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
START_SECONDS = 30.0
STOP_SECONDS = 5.0
COMMAND_STOP_SECONDS = 2.0  # of a command with throwaway servers, after each way of asking it
THROWAWAY_STOP_SECONDS = 2.5  # each
ANSWER_SECONDS = 4.0
BUILTIN_LOCALES = 17  # the first major version that needs no locale of the machine
RIGHTS = "NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS "
MAY_TOO_MUCH = """
SELECT 1 FROM pg_roles WHERE rolname = %s
   AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls OR rolcreatedb <> %s)
"""
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Every page that is ever read takes a buffer until all are taken: this is what memory grows to.
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "512MB",
    # What a crash leaves to do before anybody is served: a minute's work, and no look at each file.
    "checkpoint_timeout": "60s",
    "recovery_init_sync_method": "syncfs",
    # Two cores are better spent on other requests, and small /dev/shm folders cannot hold parallel plans.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    # Signs of life are not waited for; flushing them five times a second would keep a processor awake.
    "wal_writer_delay": "2s",
    # A failed statement holds what it would have written: never in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

VALKEY_CONFIGURATION = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {home}
daemonize no
logfile ""
loglevel warning
save ""
appendonly no
maxmemory 128mb
maxmemory-policy allkeys-lru
maxclients 4000
hz 1
"""


class Server(Protocol):
    """What the supervisor and the tests need of an embedded server."""

    @property
    def var(self) -> Path:
        """The state folder."""

    @property
    def url(self) -> str:
        """How clients reach the server, password included."""

    def prepare(self) -> Program:
        """Make files and folders as needed, end leftovers in them, and return the program to run."""

    def ready(self) -> bool:
        """Whether clients can work now."""

    def alive(self) -> bool:
        """Whether the server still answers at all; False when it hangs."""


@dataclass(frozen=True)
class PostgresServer:
    """PostgreSQL with its data in ``<var>/postgres``; ``durable=False`` is for tests: quick, and embedded."""

    var: Path
    durable: bool = True

    @property
    def home(self) -> Path:
        return places.server_folder(self.var, "postgres")

    @property
    def data(self) -> Path:
        """The folder of the data, named after the major version that made it."""
        return self.home / str(postgres_choice.kept_major(self.home) or self.choice().major)

    def choice(self, account: Account | None = None) -> Postgres:
        """The PostgreSQL that runs on this data. Raises InstallationError when none fits."""
        return postgres_choice.choose(self.home, account, throwaway=not self.durable)

    @property
    def _socket(self) -> Path:
        return places.socket_folder(self.home) / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        folder = quote(str(places.socket_folder(self.home)), safe="")
        return f"postgresql://{OWNER}:{places.secret(self.var, 'database')}@{folder}/{DATABASE}"

    def prepare(self) -> Program:
        """Create the data folder at first, end leftovers in it, return the program.

        Raises InstallationError when the folder cannot be made or used.
        """
        account = places.service_account()
        places.make_state_folder(self.var, account)
        account = places.make_server_folder(self.var, "postgres", account)
        places.make_socket_folder(self.home, account)
        chosen = self.choice(account)
        data = self.home / str(chosen.major)
        if not data.exists():
            self._create_data(chosen, account)
        self._end_leftovers()
        sockets = places.socket_folder(self.home)
        settings = SETTINGS | (DURABLE if self.durable else QUICK) | {"unix_socket_directories": str(sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = (str(chosen.programs / "postgres"), "-D", str(data), *options)
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        return Program("postgres", command, ENVIRONMENT, data, account, signal.SIGINT)

    def _create_data(self, chosen: Postgres, account: Account | None) -> None:
        """Build in a folder beside and rename, so that a kill in between leaves no half-made data."""
        partial = self.home / f"{chosen.major}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password = self.home / "initdb.password"
        places.write_private(password, places.secret(self.var, "database-administrator"), account)
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = ["--locale=C.UTF-8", *(builtin if chosen.major >= BUILTIN_LOCALES else [])]
        access = ["--auth=scram-sha-256", f"--username={ADMINISTRATOR}", f"--pwfile={password}"]
        options = ["--encoding=UTF8", *locale, *access, *([] if self.durable else ["--no-sync"])]
        done = subprocess.run(  # noqa: S603
            programs.dying_with_us(
                [str(chosen.programs / "initdb"), "-D", str(partial), *options], signal.SIGKILL
            ),
            check=False,
            capture_output=True,
            text=True,
            cwd=self.home,
            env=ENVIRONMENT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        password.unlink()
        if done.returncode:
            raise InstallationError(
                f"The database could not be created in {self.home}: {done.stderr.strip()}"
            )
        partial.rename(self.home / str(chosen.major))

    def _end_leftovers(self) -> None:
        def left() -> list[int]:
            return programs.processes_inside(self.data, "postgres")

        lock = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError):
            postmaster = int(lock.read_text().split()[0])
            if postmaster in left():
                os.kill(postmaster, signal.SIGINT)
                programs.wait_until(lambda: not left(), STOP_SECONDS)
        _kill_all(left())
        # With nobody inside, the lock files are stale; their number may be another process by now.
        for stale in (lock, self._socket.with_name(f"{self._socket.name}.lock"), self._socket):
            stale.unlink(missing_ok=True)

    def ready(self) -> bool:
        """Whether the database takes clients; creates its owner and the database at first."""
        if not self._says_ready():
            return False
        with suppress(psycopg.OperationalError), self._administrator() as connection:
            self._create_owner(connection)
            return True
        return False

    def _says_ready(self) -> bool:
        """What the postmaster notes in its lock file; questions would take time from its recovery."""
        with suppress(OSError, IndexError):
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def _administrator(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(places.socket_folder(self.home)),
            user=ADMINISTRATOR,
            password=places.secret(self.var, "database-administrator"),
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
        )

    def _create_owner(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """The application's own role owns its database and may do nothing else; tests make databases."""
        owner, database = sql.Identifier(OWNER), sql.Identifier(DATABASE)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(owner))
            self._set_password(connection)
        if connection.execute(MAY_TOO_MUCH, [OWNER, not self.durable]).fetchone():
            may = sql.SQL(RIGHTS + ("NOCREATEDB" if self.durable else "CREATEDB"))
            connection.execute(sql.SQL("ALTER ROLE {} {}").format(owner, may))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            self._set_password(connection)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))

    def _set_password(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        password = sql.Literal(places.secret(self.var, "database"))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(OWNER), password))

    def alive(self) -> bool:
        """Whether the postmaster answers, also while it recovers; starts no session and runs no SQL."""
        return _answer(self._socket, SSL_REQUEST) in {b"N", b"S"}


@dataclass(frozen=True)
class ValkeyServer:
    """Valkey in ``<var>/valkey``: fan-out and caches only, so it keeps nothing on disk."""

    var: Path

    @property
    def home(self) -> Path:
        return places.server_folder(self.var, "valkey")

    @property
    def socket(self) -> Path:
        return places.socket_folder(self.home) / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://:{places.secret(self.var, 'valkey')}@{quote(str(self.socket))}?db=0"

    def prepare(self) -> Program:
        """Write the configuration, end leftovers, return the program.

        Raises InstallationError when the folder cannot be made or used.
        """
        account = places.service_account()
        places.make_state_folder(self.var, account)
        account = places.make_server_folder(self.var, "valkey", account)
        places.make_socket_folder(self.home, account)
        _kill_all(programs.processes_inside(self.home, "valkey-server"))
        self.socket.unlink(missing_ok=True)
        configuration = self._write_configuration(account)
        command = (str(places.binaries(account).valkey), str(configuration))
        return Program("valkey", command, ENVIRONMENT, self.home, account)

    def _write_configuration(self, account: Account | None) -> Path:
        path = self.home / "valkey.conf"
        names = {"socket": f'"{self.socket}"', "home": f'"{self.home}"'}
        text = VALKEY_CONFIGURATION.format(password=places.secret(self.var, "valkey"), **names)
        places.write_private(path, text, account)
        return path

    def ready(self) -> bool:
        """Whether Valkey takes clients."""
        return self.alive()

    def alive(self) -> bool:
        """Whether Valkey answers; needs no sign-in."""
        return _answer(self.socket, b"PING\r\n") in {b"+", b"-"}


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        programs.send(pid, signal.SIGKILL)
    programs.wait_until(lambda: not any(programs.process_facts(pid) for pid in pids), STOP_SECONDS)


def _answer(path: Path, question: bytes) -> bytes:
    """The first byte a server on a unix socket answers, empty when it does not answer in time."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(path))
        connection.sendall(question)
        return connection.recv(1)
    return b""


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Run ``server`` for the length of the block and give its URL.

    Raises InstallationError when it does not come up.
    """
    program = server.prepare()
    run = server.var / "run"
    process = programs.spawn(program, server.var / "logs", run)
    try:
        programs.wait_until(lambda: process.poll() is not None or server.ready(), START_SECONDS)
        if process.poll() is not None:
            log = (server.var / "logs" / f"{program.name}.log").read_text(errors="replace")
            raise InstallationError(f"{program.name} did not start: {log[-2000:]}")
        yield server.url
    finally:
        programs.stop(process, program, run, THROWAWAY_STOP_SECONDS)


@dataclass(frozen=True)
class Throwaway:
    """Addresses of servers that last as long as their block."""

    database_url: str
    redis_url: str


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A state folder that is gone after the block, with all that runs in it, even after ``kill -9``."""
    var = Path(tempfile.mkdtemp(prefix="huleedu-"))
    account = places.service_account()
    if account:
        os.chown(var, -1, account.gid)
        var.chmod(0o710)
    places.make_state_folder(var, account)
    guard = programs.start_guard(var / "run", remove=var)
    try:
        yield var
    finally:
        guard.release()


@contextmanager
def throwaway() -> Iterator[Throwaway]:
    """Fresh servers in a throwaway folder, quick instead of durable.

    Raises InstallationError when they do not come up.
    """
    with (
        throwaway_folder() as var,
        running(PostgresServer(var, durable=False)) as database,
        running(ValkeyServer(var)) as redis,
    ):
        yield Throwaway(database, redis)


@contextmanager
def kept(var: Path) -> Iterator[str]:
    """The database of the installation in ``var``, which must be stopped, for the length of the block.

    Raises InstallationError when it runs, or its database does not come up.
    """
    places.make_state_folder(var, places.service_account())
    lock = programs.try_lock(var / "run")
    if lock is None:
        raise InstallationError(f"HuleEdu runs with the folder {var}. Stop it first.")
    try:
        with running(PostgresServer(var)) as url:
            yield url
    finally:
        os.close(lock)


def installed_environment(var: Path) -> dict[str, str]:
    """The environment Django needs to use the small installation in ``var``; empty when there is none."""
    if not (var / "secrets").is_dir() or not os.access(var / "secrets", os.X_OK):
        return {}
    environment = {"HULEEDU_VAR": str(var)}
    if places.has_secret(var, "secret-key"):  # a command makes none: it would be no other process's
        environment["SECRET_KEY"] = places.secret(var, "secret-key")
    if postgres_choice.kept_major(PostgresServer(var).home) is not None:
        environment["DATABASE_URL"] = PostgresServer(var).url
    if ValkeyServer(var).home.exists():
        environment["REDIS_URL"] = ValkeyServer(var).url
    address = var / "run" / "port"
    if address.exists():
        environment["HULEEDU_PORT"] = address.read_text().strip()
    return environment


def _leave(number: int, _frame: FrameType | None) -> None:
    for later in (signal.SIGTERM, signal.SIGINT):
        signal.signal(later, signal.SIG_IGN)  # once is enough, and clearing up must not be cut short
    raise SystemExit(128 + number)


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end, or end it when this process shall leave. Returns its exit code."""
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603
        try:
            return process.wait()
        except SystemExit as leaving:
            if (
                leaving.code == 128 + signal.SIGINT
            ):  # Ctrl-C reaches the command too, which may be clearing up
                with suppress(subprocess.TimeoutExpired):
                    process.wait(COMMAND_STOP_SECONDS)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(COMMAND_STOP_SECONDS)
            process.kill()
            raise


def main(arguments: list[str]) -> int:
    """Run a command with throwaway servers unless the environment names others. Returns its exit code."""
    keeping = arguments[:1] == ["--kept"]
    arguments = arguments[1:] if keeping else arguments
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.stderr.write("usage: python -m huleedu.embedded [--kept] -- COMMAND…\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    environment = {"SECRET_KEY": secrets.token_urlsafe(48), **os.environ}
    with ExitStack() as stack:
        if keeping:
            environment["DATABASE_URL"] = stack.enter_context(kept(places.state_folder()))
        elif not {"DATABASE_URL", "REDIS_URL"} <= environment.keys():
            servers = stack.enter_context(throwaway())
            environment.setdefault("DATABASE_URL", servers.database_url)
            environment.setdefault("REDIS_URL", servers.redis_url)
        return _run(command, environment)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--kept"]:
        stepping_down.before("kept", places.state_folder(), ["-m", "huleedu.embedded", *sys.argv[1:]])
    try:
        sys.exit(main(sys.argv[1:]))
    except InstallationError as error:
        sys.exit(f"The servers could not start. {error}")
