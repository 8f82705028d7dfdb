"""An archive (ZIP) that is written file by file: no more than one is in memory."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from results.exports.steps.names import Names

PACKED = frozenset({"pdf", "docx", "docm", "odt", "xlsx", "pptx", "zip", "png", "jpg", "jpeg"})  # already
EARLIEST = (1980, 1, 1, 0, 0, 0)
RIGHTS = 0o644 << 16


class Archive:
    """What is put into it lies in no folder, or in those that ``add`` is told."""

    def __init__(self, zipped: zipfile.ZipFile, moment: datetime) -> None:
        self._zipped = zipped
        self._time = max(moment.timetuple()[:6], EARLIEST)
        self._names: dict[str, Names] = {}
        self.count = 0

    def add(self, name: str, data: bytes, folder: str = "") -> str:
        """Put ``data`` in under ``name``, which is safe, or one like it that is free; returns that."""
        given = self._names.setdefault(folder, Names()).take(name)
        info = zipfile.ZipInfo(f"{folder}/{given}" if folder else given, self._time)
        info.external_attr = RIGHTS
        info.compress_type = zipfile.ZIP_STORED if self._is_packed(given) else zipfile.ZIP_DEFLATED
        self._zipped.writestr(info, data)
        self.count += 1
        return given

    @staticmethod
    def _is_packed(name: str) -> bool:
        return name.rpartition(".")[2].lower() in PACKED


@contextmanager
def archive(out: IO[bytes], moment: datetime) -> Iterator[Archive]:
    """An archive that is written to ``out``, whose files are of that ``moment``."""
    with zipfile.ZipFile(out, "w") as zipped:
        yield Archive(zipped, moment)
