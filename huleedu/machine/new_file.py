"""A file that has its name only when it is whole: until then it lies beside under another one, mode 0600."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".{name}.partial"
WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


def partial_of(final: Path) -> Path:
    """Where ``final`` lies until it is whole."""
    return final.with_name(PARTIAL.format(name=final.name))


@contextmanager
def new_file(final: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes ``final`` at the end of the block, flushed to the disk, or vanishes.

    Raises FileExistsError when there is a ``final``, or another process is writing it; OSError.
    """
    if final.exists():
        raise FileExistsError(errno.EEXIST, "it is there already", str(final))
    partial = partial_of(final)
    clear(partial)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(descriptor)
            give_name(partial, final)
        finally:
            partial.unlink(missing_ok=True)
    flush_folder(final.parent)


def give_name(partial: Path, final: Path) -> None:
    """Never over a file that is there. Raises FileExistsError and OSError."""
    try:
        final.hardlink_to(partial)
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        if final.exists():
            raise FileExistsError(errno.EEXIST, "it is there already", str(final)) from error
        partial.rename(final)


def clear(partial: Path) -> None:
    """Remove what a killed process left. Raises FileExistsError while one is at it."""
    with suppress(FileNotFoundError):
        descriptor = os.open(partial, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink(missing_ok=True)
        except BlockingIOError as error:
            raise FileExistsError(errno.EEXIST, "another process writes it", str(partial)) from error
        finally:
            os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Flush the folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
