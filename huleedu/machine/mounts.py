"""Linux's calls for a view of the file system of one's own. All raise OSError where the kernel says no."""

import ctypes
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

from huleedu.machine.programs import Account

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_SLAVE = 2, 4, 4096, 16384, 1 << 19
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442  # numbers of system calls, the same on every machine
AT_FDCWD, AT_EMPTY_PATH, MOVE_MOUNT_F_EMPTY_PATH = -100, 0x1000, 4
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP = 1, 2, 4, 0x00100000

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """``struct mount_attr`` of mount_setattr(2)."""

    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("namespace", ctypes.c_uint64),
    )


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _mount(source: str, target: Path, kind: str | None, flags: int, options: str = "") -> None:
    words = (source.encode(), os.fsencode(target), kind.encode() if kind else None)
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()), "mount")


def leave_for_own_view() -> None:
    """Leave for a view that nobody else has; what others mount later may still appear in it."""
    _checked(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount("none", Path("/"), None, MS_REC | MS_SLAVE)


def cover(shut: Mapping[Path, Path], links: Mapping[Path, Path]) -> None:
    """Cover folders with empty ones in which there is nothing but some of what was below.

    ``shut`` names for each folder and link to keep the one to cover, ``links`` where each link leads to.
    """
    kept = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in shut if path not in links}
    try:
        for covered in set(shut.values()):
            _mount("tmpfs", covered, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711,size=1m")
        for folder in sorted(kept):
            _make(folder)
            _mount(f"/proc/self/fd/{kept[folder]}", folder, None, MS_BIND | MS_REC)
        for link, target in links.items():
            if link in shut:
                _make(link.parent)
                link.symlink_to(target)
    finally:
        for descriptor in kept.values():
            os.close(descriptor)


def _make(folder: Path) -> None:
    """Make a folder that everybody may pass through, whatever the file mode mask."""
    before = os.umask(0)
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o711)
    finally:
        os.umask(before)


def show_as_own(folder: Path, account: Account, apart: Iterable[Path]) -> None:
    """Show root's files in ``folder`` as the files of ``account``, read-only; ``apart`` stays as it is."""
    kept = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in apart}
    namespace = _namespace(account)
    try:
        flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
        tree = _checked(_libc.syscall(OPEN_TREE, AT_FDCWD, os.fsencode(folder), flags), "open_tree")
        try:
            rights = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_IDMAP
            wanted = _Attributes(rights, 0, 0, namespace)
            size = ctypes.c_size_t(ctypes.sizeof(wanted))
            done = _libc.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(wanted), size)
            _checked(done, "mount_setattr")
            words = (tree, b"", AT_FDCWD, os.fsencode(folder), MOVE_MOUNT_F_EMPTY_PATH)
            _checked(_libc.syscall(MOVE_MOUNT, *words), "move_mount")
        finally:
            os.close(tree)
        for path in sorted(kept):
            _mount(f"/proc/self/fd/{kept[path]}", path, None, MS_BIND | MS_REC)
    finally:
        for descriptor in (namespace, *kept.values()):
            os.close(descriptor)


def _namespace(account: Account) -> int:
    """The descriptor of a user namespace in which the files of root are those of ``account``."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        done = _libc.unshare(CLONE_NEWUSER)
        os.write(writing, b"y" if done == 0 else b"n")
        signal.pause()
        os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as answer:
            if answer.read(1) != b"y":
                raise OSError("unshare: a user namespace is not allowed")
        for name, number in (("uid_map", account.uid), ("gid_map", account.gid)):
            Path(f"/proc/{child}/{name}").write_text(f"0 {number} 1\n")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
