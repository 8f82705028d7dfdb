"""Started by root, HuleEdu goes on as the user who owns its state folder; nothing of it serves as root.

The state folder is given to that user, what only root can read is opened to it (``opening``), and this
process becomes the same command run by that user, under its old number. Where that cannot be had, it goes on
as root and says so.
"""

import compileall
import os
import pwd
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from huleedu.machine import opening, places, programs
from huleedu.machine.opening import CannotOpen
from huleedu.machine.places import InstallationError
from huleedu.machine.programs import BASE_DIR, Account

USER_VARIABLE = "HULEEDU_USER"
ROOT = "root"
MARK = "run/as-root"
# What HuleEdu keeps in its state folder.
SMALL_PARTS = (
    *("secrets", "logs", "run", "tmp"),
    *("migrated.json", "migrated.partial", "static.sha256", "first-sign-in.txt", "first-sign-in.partial"),
)
LARGE_PARTS = ("content", "static", "cache", "postgres", "valkey")
SERVING = frozenset({"run", "web", "qcluster", "relay"})  # what keeps running
MAKING = SERVING | {"restore"}  # what may begin an installation
DEVELOPING = frozenset(
    {
        *("compilemessages", "help", "makemessages", "makemigrations", "optimizemigration", "spectacular"),
        *("squashmigrations", "startapp", "startproject", "test", "--help", "--version"),
        "make_backup_key",  # what opens backups is root's, and not the service's
    }
)
FOLDERS = ("HULEEDU_STORAGE", "HULEEDU_STATIC")  # of ours wherever they lie
AS_ROOT = (
    "HuleEdu runs as root: {reason} A fault in it could harm the whole machine. "
    "docs/operations.md, 'Started by root', says what to do."
)
SHUT = (
    "A service that runs as the user {user} could not start this, for it cannot read {path} ('make run' by "
    "root can). Have the code where others may read it (umask 022; git clone ... /opt/huleedu), with the "
    "system's own Python: make clean install PYTHON=/usr/bin/python3"
)
CHOSEN = f"{USER_VARIABLE}=root asks for it."


def step_down(var: Path, command: Sequence[str], *, make: bool = False) -> str:
    """Become ``command``, arguments of this interpreter, as the user who is to run what is in ``var``.

    ``make``: also make folders of ours that lie elsewhere, in places where that user might not be let.

    Returns only where this process stays what it is: with what to tell when that is root, else empty. Raises
    InstallationError when the state folder cannot be used, or there is no user to become.
    """
    if os.geteuid() != 0:
        return ""
    account = account_for(var)
    if account is None:
        return stay(var, CHOSEN)
    if make:
        make_folders()
    hand_over(var, account)
    try:
        opening.open_to(account, var, named_folders())
    except CannotOpen as error:
        return stay(var, str(error))
    compile_code()
    become(account, var, command)
    return ""


def stay(var: Path, reason: str) -> str:
    """What to tell; a mark in ``var`` has a later start give away all that root will leave there."""
    (var / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    (var / MARK).touch(mode=0o600)
    return AS_ROOT.format(reason=reason)


def account_for(var: Path) -> Account | None:
    """Whom root becomes: whom ``HULEEDU_USER`` names, who owns the state folder, or the service user.

    None when root is to stay. Raises InstallationError when there is no such user.
    """
    name = os.environ.get(USER_VARIABLE, "")
    if name == ROOT:
        return None
    if name:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise InstallationError(f"There is no user {name!r}, whom {USER_VARIABLE} names.") from None
        return Account(entry.pw_uid, entry.pw_gid)
    return owner_of(var) or places.service_account()


def owner_of(folder: Path) -> Account | None:
    """Who owns ``folder``; None when it is root, or nothing is there."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return Account(status.st_uid, status.st_gid) if status.st_uid else None


def is_ours(var: Path) -> bool:
    """Whether ``var`` is a state folder with something in it that root's files would spoil."""
    return owner_of(var) is not None or os.path.isdir(var / "secrets")  # noqa: PTH112 - may be forbidden


def named_folders() -> list[Path]:
    """The folders of ours that the environment puts elsewhere than into the state folder."""
    return [Path(value).absolute() for name in FOLDERS if (value := os.environ.get(name))]


def hand_over(var: Path, account: Account) -> None:
    """Give ``account`` what root has left in ``var`` and in the folders that lie elsewhere.

    The state folder itself is given last: as long as it is root's, or marked, all that may be large is looked
    through. Raises InstallationError for a folder that holds other things.
    """
    refuse_foreign(var)
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    at_rest = end_leftovers(var / "run")
    anew = owner_of(var) is None or (var / MARK).exists()
    folder = os.open(var, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in (*SMALL_PARTS, *(LARGE_PARTS if anew else ())):
            give(folder, name, account)
    finally:
        os.close(folder)
    for path in named_folders():
        give_elsewhere(path, account)
    if owner_of(var) is None:
        os.chown(var, account.uid, account.gid)
    if at_rest:  # else root may still be at work in it
        (var / MARK).unlink(missing_ok=True)


def refuse_foreign(var: Path) -> None:
    """Raise InstallationError when ``var`` is no state folder: root would give other things away."""
    if not var.is_dir() or owner_of(var) or (var / "secrets").is_dir() or var == places.SERVICE_FOLDER:
        return
    ours = {*SMALL_PARTS, *LARGE_PARTS}
    foreign = sorted(path.name for path in var.iterdir() if path.is_dir() and path.name not in ours)
    if foreign:
        raise InstallationError(
            f"{var} holds other things ({', '.join(foreign[:3])}). Choose an empty folder with HULEEDU_VAR."
        )


def end_leftovers(run: Path) -> bool:
    """End what a start by root of an older release left running: only root can. False while one runs."""
    if not run.is_dir():
        return True
    lock = programs.try_lock(run)
    if lock is None:
        return False
    programs.sweep(run)
    os.close(lock)
    return True


def give(folder: int, name: str, account: Account) -> None:
    """Give away ``name`` in the opened ``folder``, with all in it, where it is root's; follow no link."""
    with suppress(FileNotFoundError):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                for each in os.listdir(inner):  # noqa: PTH208 - a descriptor, no path
                    give(inner, each, account)
            finally:
                os.close(inner)
        elif status.st_nlink > 1:  # somebody's trick: the file has its place elsewhere
            return
        if status.st_uid == 0:
            os.chown(name, account.uid, account.gid, dir_fd=folder, follow_symlinks=False)


def make_folders() -> None:
    """Make the folders that lie elsewhere; later a missing one is a disk that is not there.

    One that cannot be made is no trouble yet: who needs it waits for it, and says so.
    """
    for path in named_folders():
        with suppress(OSError):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)


def give_elsewhere(path: Path, account: Account) -> None:
    """Give away a folder of ours outside the state folder, unless it is somebody's already."""
    if path.exists() and owner_of(path) is None:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            give(folder, path.name, account)
        finally:
            os.close(folder)


def compile_code() -> None:
    """Keep the code's compiled form up to date: whom it is opened to cannot write it."""
    for name in opening.CODE:
        compileall.compile_dir(BASE_DIR / name, quiet=2)


def after_install() -> str:
    """Compile the code; what to tell root when the service's user cannot run it, else nothing."""
    compile_code()
    if os.geteuid() != 0:
        return ""
    try:
        entry = pwd.getpwnam(places.SERVICE_USER)
    except KeyError:
        return ""
    shut = opening.blocked(Account(entry.pw_uid, entry.pw_gid), [])
    return SHUT.format(user=entry.pw_name, path=shut) if shut else ""


def become(account: Account, var: Path, command: Sequence[str]) -> None:
    """Run ``command`` in this process's place, without any right that ``account`` does not have."""
    environment = {**os.environ, "HULEEDU_VAR": str(var), "HOME": str(var)}
    for name in ("USER", "LOGNAME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    sys.stdout.flush()
    os.chdir(BASE_DIR)
    opening.leave_root(account)
    os.execve(sys.executable, [sys.executable, *command], environment)  # noqa: S606


def before(name: str, var: Path, command: Sequence[str]) -> None:
    """Before what is called ``name``, and run by ``command``: step down, or say why not.

    Commands for developers write to the checkout, and go on as they are; so do those where there is no
    installation yet that root's files would spoil. Ends this process with 1 when the state folder cannot be
    used.
    """
    if os.geteuid() != 0 or name in DEVELOPING or (name not in MAKING and not is_ours(var)):
        return
    try:
        first = name in MAKING and owner_of(var) is None
        if warning := step_down(var, command, make=first):
            sys.stderr.write(f"{warning}\n")
    except (InstallationError, OSError) as error:
        sys.exit(f"HuleEdu cannot start this. {error}")
