"""Making an export: what it is given to read and to write to, within its limits."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from django.conf import settings
from django.utils import translation

from files import content
from files.models import StoredContent
from huleedu.failures.errors import ContentDamaged, StepError
from huleedu.failures.failpoints import failpoint
from results.actions import exporting
from results.exports.gathering import gather
from results.exports.kind import EXPORT_TOO_LARGE, EXPORT_TOO_SLOW, WITH_NOTE, Cancelled, LeftOut, Making
from results.exports.pile import Essay
from results.exports.registry import KINDS
from results.models import Export

SECONDS = exporting.TIMEOUT_SECONDS - 20.0  # then there is time left to store it


class Progress:
    """Counts essays in the export's row, as long as it is wanted and there is time and room."""

    def __init__(self, export: Export, out: IO[bytes]) -> None:
        self._export = export
        self._out = out
        self._until = time.monotonic() + SECONDS
        self._done = 0

    def advance(self) -> None:
        """One more essay is done. Raises ``Cancelled`` and ``StepError``."""
        self._done += 1
        failpoint("export.mid")
        self.check()
        if not exporting.advance(self._export, self._done):
            raise Cancelled

    def check(self) -> None:
        """Raise ``StepError`` when it takes too long, or becomes too large."""
        if time.monotonic() > self._until:
            raise StepError(EXPORT_TOO_SLOW)
        if os.fstat(self._out.fileno()).st_size > settings.MAX_EXPORT_BYTES:
            raise StepError(EXPORT_TOO_LARGE)


@contextmanager
def made(export: Export) -> Iterator[tuple[IO[bytes], list[LeftOut]]]:
    """A file with the whole export, and what could not be done; the file is gone after the block.

    Raises ``StepError`` for an export that cannot be made, ``Cancelled`` for one that nobody wants any more,
    ``StorageFailed``, and what the makers' children raise: then trying again helps.
    """
    with TemporaryFile() as out, translation.override(export.language):
        progress = Progress(export, out)
        making = Making(
            pile=gather(export.batch),
            language=export.language,
            out=out,
            text=read_text,
            original=read_original,
            advance=progress.advance,
            with_note=bool(export.options.get(WITH_NOTE)),
        )
        KINDS[export.kind].make(making)
        out.flush()
        progress.check()
        out.seek(0)
        yield out, making.left_out


def read_text(essay: Essay) -> str:
    """The essay's text. Raises ``StorageFailed`` and ``ContentDamaged``."""
    return content.read_text(essay.text_id)


def read_original(essay: Essay) -> bytes:
    """The essay's file as it came. Raises ``StorageFailed`` and ``ContentDamaged``."""
    if essay.original_id is None:
        raise ContentDamaged(UUID(int=0), StoredContent.Kind.RAW, "missing")
    return content.read(StoredContent.Kind.RAW, essay.original_id)
