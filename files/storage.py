"""Files on disk that survive a power cut: written aside, flushed, renamed, and the folder flushed."""

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from huleedu.machine.new_file import flush_folder

TEMPORARY_SUFFIX = ".part"


class DurableFileSystemStorage(FileSystemStorage):
    """``save`` returns after the bytes are on the disk under their final name; partial files never stay."""

    def get_available_name(
        self,
        name: str,
        max_length: int | None = None,
    ) -> str:
        """Names are ids of immutable content: writing one again writes the same bytes."""
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """The file, to be read. Raises OSError for what is none: a link, a folder, a pipe, a device.

        To open a pipe would wait for whoever writes, to open a device may do anything.
        """
        path = Path(self.path(name))
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        return File(os.fdopen(descriptor, "rb"), name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The folders and the other names in ``path``. Raises ``NotADirectoryError`` for what is none."""
        folders, others = list[str](), list[str]()
        try:
            with os.scandir(self.path(path)) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.name)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotADirectoryError(errno.ENOTDIR, "a link in a circle") from error
            raise
        return folders, others

    def get_modified_time(self, name: str) -> datetime:
        """When the file, or the link itself, was written. Raises ``FileNotFoundError``."""
        return datetime.fromtimestamp(Path(self.path(name)).lstat().st_mtime, UTC)

    def listed_size(self, name: str) -> int | None:
        """The file's size in bytes as its folder has it; None when it has none of that name.

        Raises OSError when the folders cannot be asked.
        """
        path = Path(self.path(name))
        try:
            return path.lstat().st_size
        except (FileNotFoundError, NotADirectoryError):
            top = Path(self.location, *Path(name).parts[:1])
            if path.parent != Path(self.location):
                os.scandir(top).close()  # gone as a whole, it is an outage
            return None

    def _save(self, name: str, content: "File[bytes]") -> str:
        target = Path(self.path(name))
        make_durable_folder(target.parent, Path(self.location))
        temporary = target.with_name(f"{target.name}.{uuid4().hex}{TEMPORARY_SUFFIX}")
        try:
            write_flushed(temporary, content)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        flush_folder(target.parent)
        return name


def write_flushed(path: Path, content: "File[bytes]") -> None:
    """Write ``content`` to the new private file ``path`` and flush it. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in content.chunks():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def make_durable_folder(folder: Path, root: Path) -> None:
    """Make ``folder`` below ``root``; a new folder is flushed into its parent."""
    if folder.is_dir():
        return
    if folder != root:
        make_durable_folder(folder.parent, root)
    folder.mkdir(mode=0o700, parents=folder == root, exist_ok=True)
    flush_folder(folder.parent)
