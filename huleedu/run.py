"""``make run``: the small installation on one machine, everything supervised from one terminal.

Runs before Django's settings are read, because they need the addresses which the embedded servers get here.
"""

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it loads, Ctrl-C ends it as SIGTERM does

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from files.steps.confinement import hide_memory
from huleedu.embedded import PostgresServer, Server, ValkeyServer
from huleedu.fit import server_versions
from huleedu.machine import migrated, places, stepping_down, temporary
from huleedu.machine.heartbeat import Asking, RelayWatch, steps_watch
from huleedu.machine.latch import Latch
from huleedu.machine.listening import complaint_about_plain_http
from huleedu.machine.places import InstallationError
from huleedu.machine.programs import BASE_DIR
from huleedu.machine.readiness import Readiness, ask
from huleedu.machine.supervisor import (
    LOG_BYTES,
    Child,
    StopRequested,
    Supervisor,
    python_program,
)

MANAGE = str(BASE_DIR / "manage.py")
QUICKLY = "--skip-checks"  # of the whole project, half a second: tests make them, not each start
SIGN_IN_FILE = "first-sign-in.txt"
HEALTH_ANSWER_SECONDS = 5.0
READY_ANSWER_SECONDS = 1.0  # while it starts, somebody may ask to stop
SETTINGS = ("HULEEDU_", "DATABASE_URL", "REDIS_URL")
USUAL_SETTINGS = frozenset({"HULEEDU_VAR", "HULEEDU_HOST", "HULEEDU_PORT"})  # every start has them
WORKING_SECONDS = 15.0
TELLING_SECONDS = 1.0  # between two looks at what is missing


def say(text: str) -> None:
    """Tell the operator; a closed terminal must not stop the installation."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def warn(text: str) -> None:
    """Tell the operator what is not as it should be, on standard error."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def server_child(name: str, server: Server) -> Child:
    """An embedded server as a child of the supervisor."""
    return Child(name, server.prepare, server.ready, server.alive, foundation=True)


def web_child(environment: Mapping[str, str], host: str, port: int, latch: Latch) -> Child:
    """The web server; ready when ``/healthz`` answers 200, hung when nothing answers at all."""
    listen = ["-m", "huleedu.server", "-b", host, "-p", str(port)]
    url = f"http://{_loopback(host)}:{port}/healthz"
    return Child(
        "web",
        lambda: python_program("web", listen, environment, latch),
        lambda: web_answers(host, port),
        lambda: _status(url) > 0,
    )


def web_answers(host: str, port: int) -> bool:
    """Whether a web server there says that it lives."""
    return _status(f"http://{_loopback(host)}:{port}/healthz", READY_ANSWER_SECONDS) == 200


def cluster_child(
    name: str, environment: Mapping[str, str], health: Callable[[], bool], latch: Latch
) -> Child:
    """A django-q2 cluster."""
    own = {**environment, "Q_CLUSTER_NAME": name}
    return Child(name, lambda: python_program(name, [MANAGE, "qcluster", QUICKLY], own, latch), health=health)


def application_children(environment: Mapping[str, str], host: str, port: int, latch: Latch) -> list[Child]:
    """Every process of the application, in one place; the last one is started when the others work.

    It is a second relay in a session of its own: it follows when the first one dies, and they swap roles.
    """
    asking = Asking(environment["DATABASE_URL"])
    relays = RelayWatch(asking)
    standby = python_program("standby", [MANAGE, "relay"], environment)
    return [
        web_child(environment, host, port, latch),
        cluster_child("relay", environment, relays.of("relay"), latch),
        cluster_child("steps", environment, steps_watch(asking), latch),
        Child("standby", lambda: standby, health=relays.of("standby")),
    ]


def _loopback(host: str) -> str:
    if host in {"0.0.0.0", ""}:  # noqa: S104
        return "127.0.0.1"
    return "[::1]" if host == "::" else f"[{host}]" if ":" in host else host


def _status(url: str, seconds: float = HEALTH_ANSWER_SECONDS) -> int:
    """The HTTP status at ``url``; 0 when nobody answers in time."""
    return ask(url, seconds)[0]


def check_port(host: str, port: int) -> None:
    """Raises InstallationError when the web server could not listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise InstallationError(
                f"Port {port} on {host} is not for ordinary users, and HuleEdu runs as one. Choose one from "
                "1024 on and let a proxy pass it on, or allow it: "
                f"sysctl net.ipv4.ip_unprivileged_port_start={port}"
            ) from error
        except OSError as error:
            raise InstallationError(
                f"Port {port} on {host} cannot be used: {error.strerror}. If another program has it, choose "
                f"another port: make run HULEEDU_PORT={port + 1}"
            ) from error


def check_settings(environment: Mapping[str, str]) -> None:
    """Have a process of its own read the settings that ``environment`` has.

    Raises InstallationError with one line about the variable that is wrong.
    """
    if not any(name.startswith(SETTINGS) for name in environment.keys() - USUAL_SETTINGS):
        return
    command = [sys.executable, "-m", "huleedu.machine.environment"]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == os.EX_CONFIG:
        raise InstallationError(done.stdout.strip())


def log_bytes() -> int:
    """How large a log may grow before it is put aside. Raises InstallationError."""
    from django.core.exceptions import ImproperlyConfigured

    from huleedu.machine.environment import size

    try:
        return size("HULEEDU_LOG_BYTES", LOG_BYTES)
    except ImproperlyConfigured as error:
        raise InstallationError(str(error)) from error


def launch_servers(supervisor: Supervisor, var: Path, environment: dict[str, str]) -> list[Child]:
    """Start the servers that ``environment`` does not already name, and name them there."""
    wanted: list[tuple[str, str, Server]] = [
        ("DATABASE_URL", "postgres", PostgresServer(var)),
        ("REDIS_URL", "valkey", ValkeyServer(var)),
    ]
    missing = [entry for entry in wanted if not environment.get(entry[0])]
    servers = [server_child(name, server) for _variable, name, server in missing]
    supervisor.launch(*servers)
    for variable, _name, server in missing:
        environment[variable] = server.url
    return servers


def wait_for_servers(
    supervisor: Supervisor, var: Path, servers: Sequence[Child], tell: Callable[[str], None]
) -> None:
    """Wait until clients can work with ``servers``, and say which versions they are."""
    supervisor.wait_for(*servers)
    server_versions.note(var, server_versions.of_ours(var, [server.name for server in servers]), tell)


def migrate(supervisor: Supervisor, var: Path, environment: Mapping[str, str]) -> bool:
    """Bring the database up to date; False when the last start did so for this very code.

    Raises InstallationError when that fails.
    """
    with closing(Asking(environment["DATABASE_URL"])) as asking:
        if migrated.is_noted(var, asking):
            return False
        supervisor.run_once(python_program("migrate", [MANAGE, "first_start", QUICKLY], environment))
        migrated.note(var, asking)
        return True


def start_everything(
    supervisor: Supervisor, var: Path, environment: dict[str, str], tell: Callable[[str], None]
) -> list[Child]:
    """Start servers and application, and return what is to be started when the rest works.

    The application loads while the database starts, if it is the code of the last start. It begins when the
    tables are known to fit; when they do not, it is started anew after the migration.
    """
    host, port = environment["HULEEDU_HOST"], int(environment["HULEEDU_PORT"])
    servers = launch_servers(supervisor, var, environment)
    latch = Latch()
    *children, standby = application_children(environment, host, port, latch)
    if loading := migrated.is_code_noted(var):
        supervisor.launch(*children)
    wait_for_servers(supervisor, var, servers, tell)
    if migrate(supervisor, var, environment) and loading:
        supervisor.withdraw(*children)
        loading = False
    (var / "run" / "port").write_text(f"{port}\n")
    latch.open()
    if not loading:
        supervisor.launch(*children)
    supervisor.wait_for(*children)
    return [standby]


def run(var: Path, host: str, port: int, tell: Callable[[str], None] = say) -> None:
    """Start everything and keep it running until asked to stop.

    Raises InstallationError, with what to do, when a part does not start.
    """
    began = time.monotonic()
    new = not (var / SIGN_IN_FILE).exists()
    places.make_state_folder(var, places.service_account())
    environment = {
        **os.environ,
        "HULEEDU_VAR": str(var),
        "HULEEDU_HOST": host,
        "HULEEDU_PORT": str(port),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or places.secret(var, "secret-key"),
    }
    with Supervisor(var, tell, log_bytes()) as supervisor, suppress(StopRequested):
        check_port(host, port)
        temporary.clear(var, seconds=0)  # what was killed left it, and nobody else is here
        later = start_everything(supervisor, var, environment, tell)
        readiness = Readiness(address_of(host, port))
        working = wait_until_working(supervisor, readiness)
        supervisor.start(*later)
        if not working:
            wait_until_ready(supervisor, readiness, tell)
        tell(f"HuleEdu is ready at {address_of(host, port)}/ (started in {time.monotonic() - began:.1f} s).")
        readiness.tell_missing_walls(warn)
        tell_accounts(var / SIGN_IN_FILE, new, tell)
        tell(f"Logs are in {var / 'logs'}. Stop with Ctrl-C.")
        supervisor.watch()
        tell("Stopping HuleEdu …")
    tell("HuleEdu has stopped.")


def wait_until_working(supervisor: Supervisor, readiness: Readiness) -> bool:
    """Wait a while for every part to say that it is there; whether all did."""
    deadline = time.monotonic() + WORKING_SECONDS
    while not (ready := readiness.ready()) and time.monotonic() < deadline:
        supervisor.keep_running(0.1)
    return ready


def wait_until_ready(supervisor: Supervisor, readiness: Readiness, tell: Callable[[str], None]) -> None:
    """Wait as long as it takes, and say what is missing."""
    while not readiness.ready():
        readiness.tell_trouble(tell)
        supervisor.keep_running(TELLING_SECONDS)


def tell_accounts(file: Path, new: bool, tell: Callable[[str], None]) -> None:
    """Say how to sign in: ``new`` accounts on a terminal, for journals are kept; else where they are."""
    if not file.exists():
        return
    if new and sys.stdout.isatty():
        for line in file.read_text().splitlines():
            role, username, password = line.split()
            tell(f"Sign in as {role}: user name {username}, password {password}")
    tell(f"The first accounts are in {file} (role, username, password); delete it when you have them.")


def address_of(host: str, port: int) -> str:
    """Where a browser on this machine finds the web server."""
    return f"http://{_loopback(host)}:{port}"


def main() -> int:
    """Run the installation described by the environment; returns the exit code."""
    hide_memory()
    host = os.environ.get("HULEEDU_HOST", "127.0.0.1")
    text = os.environ.get("HULEEDU_PORT", "8000")
    if not text.isdigit() or not 0 < int(text) < 65536:
        say(f"HULEEDU_PORT must be a number from 1 to 65535, not {text!r}.")
        return 2
    complaint = complaint_about_plain_http(host, os.environ)
    if complaint is not None:
        say(f"HuleEdu does not start. {complaint}")
        return 2
    try:
        check_settings(os.environ)
        run(places.state_folder(), host, int(text))
    except (InstallationError, OSError) as error:
        say(f"HuleEdu could not start. {error}")
        return 1
    return 0


if __name__ == "__main__":
    stepping_down.before("run", places.state_folder(), ["-m", "huleedu.run"])
    sys.exit(main())
