"""The extraction task: reads one queued file in the sandbox and hands the outcome to one action."""

import time
from uuid import uuid4

from django.conf import settings

from files import content, dead_letters, sandbox
from files.actions import reading
from files.actions.reading import EXTRACT, ExtractedText
from files.models import StoredContent
from files.steps.confinement import Confinement
from files.steps.language import find_language
from files.steps.validate import TextLimits
from files.store import is_refused
from huleedu.failures.errors import ContentDamaged, ErrorCode, StepError
from huleedu.failures.failpoints import failpoint
from huleedu.models import WorkItem
from huleedu.work import queue as work
from huleedu.work.handlers import Handler


def limits() -> TextLimits:
    """The configured text limits, in characters."""
    return TextLimits(
        minimum_characters=settings.MIN_TEXT_CHARACTERS, maximum_characters=settings.MAX_TEXT_CHARACTERS
    )


# What a first try may take of a worker. Reading an ordinary essay takes 2 to 50 ms.
FIRST_SECONDS = 0.3
SLOW_NICENESS = 5  # a quarter of a busy processor: 15 s of it within the 60 s that a file may take


def confinement(item: WorkItem) -> Confinement:
    """A short first try for every file; what was slow has its full time, behind everything else."""
    return Confinement(niceness=SLOW_NICENESS) if item.slow else Confinement(first_seconds=FIRST_SECONDS)


def extract(item: WorkItem) -> None:
    """Read the stored raw bytes of one file and accept or reject the file."""
    upload = reading.begin_extraction(item)
    if upload is None or upload.raw_storage_id is None:
        return
    try:
        data = content.read(StoredContent.Kind.RAW, upload.raw_storage_id)
    except ContentDamaged as error:
        reading.reject(item, ErrorCode.CONTENT_DAMAGED, error.facts)
        return
    started = time.monotonic()
    failpoint("extract.mid")
    try:
        result = sandbox.run(
            data, upload.filename, limits(), min(item.timeout_seconds, 60), confinement(item)
        )
    except sandbox.SandboxHurried:
        raise work.TooSlow from None
    except StepError as error:
        reading.reject(item, error.code, error.details)
        return
    duration_ms = round((time.monotonic() - started) * 1000)
    text = stored_text(result, duration_ms)
    with content.discarded_when_refused(text.stored):
        reading.accept(item, text)


def stored_text(result: sandbox.SandboxResult, duration_ms: int) -> ExtractedText:
    """Make the text durable."""
    return ExtractedText(
        stored=content.store_text(uuid4(), result.text),
        words=result.words,
        characters=result.characters,
        format=result.format,
        language=find_language(result.text) or "",
        engine=result.engine,
        duration_ms=duration_ms,
    )


EXTRACTION = Handler(
    EXTRACT,
    extract,
    reading.give_up,
    dead_letters.check,
    dead_letters.repeat,
    must_wait=is_refused,
    first=True,
)
