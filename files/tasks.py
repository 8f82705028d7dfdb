"""The extraction task: takes one queued file, reads it in the sandbox, hands the outcome to one action."""

import time

from django.conf import settings

from files import actions, content, sandbox
from files.models import FileUpload, StoredContent
from files.steps.language import find_language
from files.steps.validate import TextLimits
from huleedu import work
from huleedu.errors import StepError
from huleedu.failpoints import failpoint
from huleedu.models import WorkItem


def extract_next() -> bool:
    """Run the next queued extraction; False when there is none."""
    with work.claimed(actions.EXTRACT) as item:
        if item is not None:
            work.run(item, extract, actions.give_up)
    return item is not None


def limits() -> TextLimits:
    """The configured text limits, in characters."""
    return TextLimits(
        minimum_characters=settings.MIN_TEXT_CHARACTERS, maximum_characters=settings.MAX_TEXT_CHARACTERS
    )


def extract(item: WorkItem) -> None:
    """Read the stored raw bytes of one file and accept or reject the file."""
    upload = actions.begin_extraction(item)
    if upload is None or upload.raw_storage_id is None:
        return
    data = content.read(StoredContent.Kind.RAW, upload.raw_storage_id)
    started = time.monotonic()
    failpoint("extract.mid")
    try:
        result = sandbox.run(data, upload.filename, limits(), timeout_seconds=min(item.timeout_seconds, 60))
    except StepError as error:
        actions.reject(item, error.code, error.details)
        return
    duration_ms = round((time.monotonic() - started) * 1000)
    actions.accept(item, stored_text(upload, result, duration_ms))


def stored_text(upload: FileUpload, result: sandbox.SandboxResult, duration_ms: int) -> actions.ExtractedText:
    """Make the text durable under the id that this raw content and engine always give."""
    text_id = content.text_id(upload.raw_id, result.engine)
    return actions.ExtractedText(
        stored=content.store_text(text_id, result.text),
        words=result.words,
        characters=result.characters,
        format=result.format,
        language=find_language(result.text) or "",
        engine=result.engine,
        duration_ms=duration_ms,
    )
