"""Opens to one user what lies where only root may look: the code, its packages, Python, the state folder.

Nothing on the disk changes. This process leaves for a view of the file system of its own (a mount
namespace), in which each folder that shuts the user out is covered by an empty one, with nothing in it but
what is needed; files that only root may read appear there as the user's own, read-only (an idmapped mount,
Linux 5.12).
"""

import os
import pwd
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from huleedu.machine import mounts
from huleedu.machine.programs import BASE_DIR, Account

CODE = ("batches", "docs", "essays", "files", "huleedu", "locale", "realtime", "results", "templates")
MOST_LINKS = 40  # as the kernel has it
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


class CannotOpen(Exception):
    """Something cannot be opened to the user; the message says what and why, in plain words."""


@dataclass(frozen=True)
class Way:
    """Where a path really leads, and the links on the way."""

    end: Path
    links: dict[Path, Path]


def open_to(account: Account, var: Path, others: Iterable[Path]) -> None:
    """See to it that ``account`` can read the code and all it needs, use ``var``, and enter ``others``.

    Does nothing where that is so already. Raises CannotOpen; this process may then see less of the file
    system than before, but all that is needed.
    """
    own = [var, *(path for path in others if path.is_dir())]
    if blocked(account, own) is None:
        return
    needed = trees()
    named = (BASE_DIR, Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), *own, *socket_folders())
    ways = [way_to(path) for path in named]
    ends = outermost(way.end if way.end.is_dir() else way.end.parent for way in ways)
    links = {link: target for way in ways for link, target in way.links.items()}
    apart = [link for link in links if not set(link.parents) & set(ends)]
    shut = {path: cover for path in (*ends, *apart) if (cover := shut_above(path, account)) is not None}
    try:
        mounts.leave_for_own_view()
        mounts.cover(shut, links)
        for tree, files in needed.items():
            if first_shut(account, files) is not None:
                within = [way_to(path).end for path in own]
                mounts.show_as_own(tree, account, [path for path in within if path.is_relative_to(tree)])
    except OSError as error:
        raise CannotOpen(why(account, blocked(account, own), f" ({error})")) from error
    if (found := blocked(account, [var])) is not None:  # who needs the others waits for them, and says so
        raise CannotOpen(why(account, found))


def outermost(folders: Iterable[Path]) -> list[Path]:
    """Those of ``folders`` that lie in no other of them."""
    found = set(folders)
    return sorted(folder for folder in found if not found & set(folder.parents))


def why(account: Account, path: Path | None, more: str = "") -> str:
    """What cannot be opened, in a sentence."""
    try:
        name = pwd.getpwuid(account.uid).pw_name
    except KeyError:
        name = str(account.uid)
    return f"the user {name} cannot be let in to {path or BASE_DIR}{more}."


def trees() -> dict[Path, list[Path]]:
    """What must be readable, by the folder it lies in: the code, its environment, and Python.

    Of the code that is every file, of the rest what tells of the whole.
    """
    code = [path for name in CODE for path in (BASE_DIR / name).rglob("*") if path.suffix != ".pyc"]
    packages = Path(sysconfig.get_paths()["purelib"])
    environment = [Path(sys.prefix) / "pyvenv.cfg", packages, *packages.iterdir()]
    python = [Path(sys.executable).resolve(), Path(os.__file__), Path(os.__file__).parent, *libraries()]
    found: dict[Path, list[Path]] = {}
    for folder, needed in (
        (BASE_DIR, [BASE_DIR / "manage.py", BASE_DIR / "requirements.txt", *code]),
        (Path(sys.prefix), environment),
        (Path(sys.base_prefix), python),
    ):
        found.setdefault(way_to(folder).end, []).extend(path for path in needed if path.exists())
    return found


def libraries() -> list[Path]:
    """The shared library that this Python needs of itself, if it does."""
    folder, name = (sysconfig.get_config_var(each) for each in ("LIBDIR", "INSTSONAME"))
    path = Path(str(folder)) / str(name)
    return [path] if sysconfig.get_config_var("Py_ENABLE_SHARED") and path.exists() else []


def socket_folders() -> list[Path]:
    """The folders of the servers' sockets that the environment names, where they are on this machine."""
    found = []
    for address in (os.environ.get(name, "") for name in ADDRESSES):
        parts = urlsplit(address)
        hosts = [unquote(parts.netloc.rpartition("@")[2]), *parse_qs(parts.query).get("host", [])]
        found += [Path(host) for host in hosts if host.startswith("/")]
        if parts.scheme == "unix":
            found.append(Path(unquote(parts.path)).parent)
    return [path for path in found if path.is_dir()]


def blocked(account: Account, own: Sequence[Path]) -> Path | None:
    """The first thing that ``account`` cannot read of what it needs, or the first of ``own`` to write to."""
    needed = [path for files in trees().values() for path in files]
    return (
        first_shut(account, [Path(sys.executable), *needed, *own])
        or first_shut(account, own[:1], write=True)
        or first_shut(account, socket_folders(), enter=True)
    )


def way_to(path: Path) -> Way:
    """Follow ``path`` step by step. Raises OSError for links that lead in a circle."""
    links: dict[Path, Path] = {}
    steps, here, followed = list(reversed(path.parts[1:])), Path("/"), 0
    while steps:
        step = here / steps.pop()
        if step.name == "..":
            here = here.parent
        elif step.is_symlink():
            followed += 1
            if followed > MOST_LINKS:
                raise OSError(f"{path} leads in a circle")
            links[step] = target = step.readlink()
            steps += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            here = Path("/") if target.is_absolute() else here
        else:
            here = step
    return Way(here, links)


def shut_above(path: Path, account: Account) -> Path | None:
    """The outermost folder above ``path`` which ``account`` cannot enter."""
    above = [each for each in reversed(path.parents) if each != Path("/")]
    return first_shut(account, above, enter=True)


def first_shut(
    account: Account, paths: Iterable[Path], *, write: bool = False, enter: bool = False
) -> Path | None:
    """The first of ``paths`` that ``account`` cannot read (``write``: use, ``enter``: pass through)."""
    paths = list(paths)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        passed = 0
        try:
            leave_root(account)
            right = os.X_OK if enter else os.R_OK | (os.W_OK if write else 0)
            while passed < len(paths) and has_right(paths[passed], right):
                passed += 1
        finally:
            os.write(writing, passed.to_bytes(8))
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        passed = int.from_bytes(answer.read())
    os.waitpid(child, 0)
    return paths[passed] if passed < len(paths) else None


def has_right(path: Path, right: int) -> bool:
    """Whether this process has ``right`` to ``path``, and may enter it if it is a folder."""
    folder = os.path.isdir(path)  # noqa: PTH112 - raises nothing
    return os.access(path, right) and (not folder or os.access(path, os.X_OK))


def leave_root(account: Account) -> None:
    """Give up every right that ``account`` does not have, for good."""
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
