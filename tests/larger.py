"""A larger installation, built by following docs/operations.md: servers, two "machines", a proxy."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from huleedu.embedded import PostgresServer, running
from huleedu.machine import places, programs
from huleedu.machine.programs import Program
from tests.documents import ROOT, Shell
from tests.installation import Installation, free_port, wait_until

NEEDED = ("bash", "curl", "envsubst", "make", "nginx", "openssl")
STOP_SECONDS = 12.0
NGINX = """\
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


def missing() -> list[str]:
    """The programs that this machine lacks."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return [name for name in NEEDED if shutil.which(name, path=path) is None]


@dataclass(frozen=True)
class TcpPostgres(PostgresServer):
    """PostgreSQL as another machine offers it: over TCP, with an administrator's password."""

    port: int = 0

    @property
    def administrator(self) -> str:
        """How its administrator reaches it."""
        password = places.secret(self.var, "database-administrator")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> Program:
        """The program, listening on its port."""
        program = super().prepare()
        own = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}")
        return replace(program, command=(*program.command, *own))

    def ready(self) -> bool:
        """Whether its administrator can work."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.administrator, connect_timeout=2):
            return True
        return False


@dataclass
class Machine:
    """One machine: a state folder and the processes somebody started on it."""

    shell: Shell
    var: Path
    started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, block: str, number: int = 1) -> None:
        """Start a process as the document says, the ``number``-th of its kind here."""
        name = f"{block}-{number}"
        with (self.var / f"{name}.log").open("ab") as log:
            self.started[name] = subprocess.Popen(
                self.shell.script("read", block),
                cwd=ROOT,
                env=self.shell.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def process(self, block: str, number: int = 1) -> int:
        """The number of the process itself: its shell's child, or what its shell has become."""
        shell = self.started[f"{block}-{number}"].pid
        if Path(f"/proc/{shell}/comm").read_text().strip() != "bash":
            return shell
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def end(self, block: str, number: int = 1) -> float:
        """SIGTERM; the seconds until it has ended."""
        shell = self.started[f"{block}-{number}"]
        os.kill(self.process(block, number), signal.SIGTERM)
        seconds = wait_until(lambda: shell.poll() is not None, STOP_SECONDS, f"{block} has ended")
        del self.started[f"{block}-{number}"]
        return seconds

    def family(self, block: str, number: int = 1) -> list[int]:
        """The process and all below it."""
        found = [self.process(block, number)]
        for pid in found:
            for each in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in each.read_text().split()]
        return found

    def kill(self) -> None:
        """As a power cut: everything on this machine at once."""
        mine = Installation(self.var, 0)
        for process in self.started.values():
            process.send_signal(signal.SIGSTOP)  # no shell may say a last word
        sessions = {process.pid for process in self.started.values()}
        theirs = [each.pid for each in programs.processes() if each.session in sessions]
        for pid in {*mine.processes([]), *theirs}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.started.values():
            process.kill()
            process.wait(10)
        wait_until(lambda: not mine.processes([]), 20, "nothing is left of the machine")
        self.started.clear()


@dataclass
class Larger:
    """The whole: two machines with state folders of their own and one proxy in front."""

    folder: Path
    shell: Shell
    machines: tuple[Machine, Machine]

    @property
    def origin(self) -> str:
        """What teachers type."""
        return self.shell.values["ORIGIN"]

    @property
    def certificate(self) -> Path:
        """What vouches for it."""
        return Path(self.shell.values["CERTIFICATE"])

    def build(self) -> list[str]:
        """Steps 2 to 8; the passwords of the first teacher and the first support account."""
        one, two = self.machines
        self.run("install")
        two.var.mkdir()
        self.run("settings")
        self.run("read", "database")
        printed = self.run("read", "prepare").split()
        two.start("relay")  # first, so it leads
        two.start("web-2")
        two.start("steps", 1)
        two.start("steps", 2)
        one.start("web-1")
        one.start("standby")
        one.start("steps")
        self.run("proxy")
        self.check()
        return printed[-2:]

    def check(self) -> None:
        """Step 8."""
        self.run("read", "check")

    def run(self, *blocks: str) -> str:
        """Run blocks of the document and return what they print; fails when they fail."""
        done = subprocess.run(
            self.shell.script(*blocks),
            check=False,
            cwd=ROOT,
            env=self.shell.variables(),
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{blocks}: {done.stdout}{done.stderr}"
        return done.stdout

    def manage(self, *words: str) -> str:
        """Another management command, in a shell that has read the settings."""
        self.shell.blocks["command"] = " ".join([".venv/bin/python", "manage.py", *words])
        return self.run("read", "command")


@dataclass
class Proxied(Installation):
    """The installation as teachers see it: one address, whatever is behind it."""

    origin: str = ""

    @property
    def url(self) -> str:
        """The proxy's address."""
        return self.origin


@contextmanager
def trusted(larger: Larger) -> Iterator[ssl.SSLContext]:
    """Clients believe the proxy's certificate for the length of the block."""
    context = ssl.create_default_context(cafile=str(larger.certificate))
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    urllib.request.install_opener(opener)
    try:
        yield context
    finally:
        urllib.request.install_opener(urllib.request.build_opener())


def own_values(folder: Path, administrator: str, database: int, cache: str, store: int) -> dict[str, str]:
    """Step 1 as filled in for servers of ours."""
    ports = [free_port() for _ in range(4)]
    return {
        "HULEEDU_VAR": str(folder / "machine-1"),
        "SETTINGS": str(folder / "huleedu.env"),
        "NAME": "localhost",
        "ORIGIN": f"https://localhost:{ports[3]}",
        "DATABASE": f"127.0.0.1:{database}",
        "DATABASE_ADMINISTRATOR": administrator,
        "DATABASE_PASSWORD": "6d1f0c8a94e2b7",
        "CACHE": cache,
        "STORE": f"http://127.0.0.1:{store}",
        "STORE_KEY": "huleedu",
        "STORE_SECRET": "a-secret-of-the-store",
        "LISTEN": "127.0.0.1",
        "WEB_1": f"127.0.0.1:{ports[0]}",
        "WEB_2": f"127.0.0.1:{ports[1]}",
        "CERTIFICATE": str(folder / "certificate.pem"),
        "CERTIFICATE_KEY": str(folder / "key.pem"),
        "PROXY_FOLDER": str(folder / "nginx"),
        "HTTP_PORT": f"127.0.0.1:{ports[2]}",
        "HTTPS_PORT": f"127.0.0.1:{ports[3]}",
    }


@contextmanager
def program(command: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server of another kind, ended with the block."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            programs.dying_with_us(command, signal.SIGTERM), stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def proxy(folder: Path) -> Iterator[None]:
    """nginx as Debian starts it: with whatever its configuration folder says at first."""
    (folder / "conf.d").mkdir(parents=True)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    nginx = str(shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"))
    with program([nginx, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"], folder / "nginx.log"):
        wait_until((folder / "nginx.pid").exists, 10, "the proxy runs")
        yield


def make_certificate(certificate: str, key: str) -> None:
    """A certificate for this machine that vouches for itself."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", *words.split(), *names, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL, Valkey, an S3 store and nginx, all over TCP; gives step 1's values for them."""
    var = folder / "servers"
    account = places.service_account()
    places.make_state_folder(var, account)
    store, cache = free_port(), free_port()
    valkey = [str(places.binaries(account).valkey), "--port", str(cache), "--bind", "127.0.0.1", "--save", ""]
    moto = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(store)]
    database = TcpPostgres(var, port=free_port())
    guard = programs.start_guard(var / "run", remove=var)
    with ExitStack() as stack:
        stack.callback(guard.release)
        stack.enter_context(running(database))
        stack.enter_context(program([*valkey, "--requirepass", "a-cache-secret"], folder / "valkey.log"))
        stack.enter_context(program(moto, folder / "store.log"))
        stack.enter_context(proxy(folder / "nginx"))
        url = f"redis://:a-cache-secret@127.0.0.1:{cache}/0"
        yield own_values(folder, database.administrator, database.port, url, store)


@contextmanager
def larger_installation(folder: Path) -> Iterator[Larger]:
    """Steps 1 to 5 done, nothing started yet; every process is ended afterwards."""
    folder.chmod(0o711)  # its servers may run as another user
    with servers(folder) as values:
        make_certificate(values["CERTIFICATE"], values["CERTIFICATE_KEY"])
        trust = {"CURL_CA_BUNDLE": values["CERTIFICATE"]}
        first = Shell(values, environment=trust)
        second = Shell(values | {"HULEEDU_VAR": str(folder / "machine-2")}, environment=trust)
        one, two = (Machine(shell, Path(shell.values["HULEEDU_VAR"])) for shell in (first, second))
        whole = Larger(folder, first, (one, two))
        try:
            yield whole
        finally:
            for machine in whole.machines:
                if machine.started:
                    machine.kill()
