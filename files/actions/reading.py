"""Reading a file, from the queue to its text or to why it has none."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from files import content
from files.actions.reports import report_failed, report_provisioned
from files.content import Stored
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.erasure import erased_if_gone
from huleedu.events.following import followed
from huleedu.events.outbox import tell
from huleedu.events.vocabulary import FileProcessingStarted
from huleedu.failures.errors import ErrorCode
from huleedu.models import WorkItem
from huleedu.postgres.kept import ONE, Kept
from huleedu.work import queue as work

EXTRACT = "extract"
FOUND = Kept(lambda pk: FileUpload.objects.filter(pk=pk), ONE)


@dataclass(frozen=True)
class ExtractedText:
    """A durable text with its measures; ``duration_ms`` is the time extraction took.

    ``language`` is the code found from the text, empty when undecided.
    """

    stored: Stored
    words: int
    characters: int
    format: str
    engine: str
    duration_ms: int
    language: str = ""


def begin_extraction(item: WorkItem) -> FileUpload | None:
    """Tell that reading has begun; None when the file was replaced or removed meanwhile."""
    with erased_if_gone():
        upload = FOUND.get(item.subject_id)
    if not is_current(upload, item):
        work.finish(item)
        return None
    tell(
        FileProcessingStarted(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.revision,
            file_upload_id=upload.pk,
            rev=upload.rev,
        )
    )
    return upload


def is_current(upload: FileUpload, item: WorkItem) -> bool:
    """True while the work is about the content the file has now."""
    return upload.revision == item.revision and upload.status == FileUpload.Status.PROCESSING


@followed
def accept(item: WorkItem, text: ExtractedText) -> None:
    """The file's text is good: record it and tell. A late result of replaced content changes nothing."""
    upload = claim_result(item)
    if upload is None:
        transaction.on_commit(lambda: content.discard(text.stored))
        return
    content.record(text.stored, upload.batch.owner_id, upload.batch_id)
    upload.move_to(
        FileUpload.Status.PROCESSING,
        text_storage_id=text.stored.id,
        format=text.format,
        words=text.words,
        characters=text.characters,
        language=text.language,
        engine=text.engine[:80],
        duration_ms=text.duration_ms,
    )
    report_provisioned(upload)


@followed
def reject(item: WorkItem, code: str, details: dict[str, Any]) -> None:
    """The file cannot become an essay: record why and tell."""
    upload = claim_result(item)
    if upload is not None:
        fail_file(upload, code, details)


@transaction.atomic
def give_up(item: WorkItem) -> None:
    """Every try failed for reasons of ours: the file shows it, and can be tried again."""
    upload = FileUpload.objects.locked(item.subject_id)
    if is_current(upload, item):
        fail_file(upload, ErrorCode.EXTRACTION_FAILED, {"attempts": item.attempts})


def fail_file(upload: FileUpload, code: str, details: dict[str, Any]) -> None:
    """Mark the locked file failed. One that was read before and is an essay keeps that text and its place."""
    slot = upload.slot
    detail = make_detail(code, EXTRACT, upload.correlation_id, **details)
    if (
        slot is not None
        and slot.text_storage_id is not None
        and slot.text_storage_id == upload.text_storage_id
    ):
        upload.move_to(FileUpload.Status.PROCESSING, error=detail.model_dump(mode="json"))
        report_provisioned(upload)
        return
    upload.mark_failed(detail.model_dump(mode="json"))
    if slot is not None and slot.text_storage_id is not None:
        slot.release()
    report_failed(upload, code)


def claim_result(item: WorkItem) -> FileUpload | None:
    """Lock the file for this attempt's result; None when the attempt or the content is outdated."""
    upload = FileUpload.objects.locked(item.subject_id)
    if not work.finish(item) or not is_current(upload, item):
        return None
    return upload
