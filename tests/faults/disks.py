"""Small disks of one's own, to be filled, made read-only and enlarged while an installation uses them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory, mounted at ``folder``."""

    folder: Path

    @property
    def filler(self) -> Path:
        """The file that takes the room."""
        return self.folder / "filler"

    def fill(self, leave: int = 0) -> None:
        """Take every free block but ``leave`` bytes."""
        # Piece by piece: others take and give blocks meanwhile.
        with suppress(OSError), self.filler.open("wb", buffering=0) as filler:
            while self.free() > leave or not leave:
                filler.write(bytes(4096))

    def free(self) -> int:
        """Free bytes."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def empty(self) -> None:
        """Give the room back."""
        self.filler.unlink()

    def remount(self, options: str) -> None:
        """Change the size or the mode of the mounted disk."""
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """A disk over the existing ``folder``, with its owner and mode; skips where mounting is not allowed."""
    status = folder.stat()
    options = f"size={megabytes}m,uid={status.st_uid},gid={status.st_gid},mode={status.st_mode & 0o777:o}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
