"""Checking essays again that were taken for another language, within the caller's transaction."""

from collections.abc import Iterable

from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from essays.actions.repeating import check_texts
from essays.actions.requesting import order_step, present_runs
from essays.languages import language_of
from essays.models import StepRun
from files.models import FileUpload
from huleedu.failures.errors import Refused


def check_again(batch: Batch, uploads: Iterable[FileUpload]) -> None:
    """Repeat the steps of those essays that were taken for another language. The batch is locked."""
    concerned = concerned_essays(batch, uploads)
    for upload in concerned:
        repeat(upload)
    if concerned:
        reopen_if_done(batch)
    for upload in concerned:
        order_first_step(batch, upload)


def concerned_essays(batch: Batch, uploads: Iterable[FileUpload]) -> list[FileUpload]:
    """Those of ``uploads`` on which a step ran, or is to run, in another language than they are in now."""
    ran = present_runs(batch, batch.settings.steps[0]) if batch.settings.steps else StepRun.objects.none()
    languages = dict(ran.values_list("slot_id", "language"))
    return [
        upload
        for upload in uploads
        if languages.get(slot_of(upload).pk, language_of(upload, batch)) != language_of(upload, batch)
    ]


def repeat(upload: FileUpload) -> None:
    """The essay's steps are to run again."""
    slot_of(upload).repeat()
    upload.move_to(FileUpload.Status.ASSIGNED)


def order_first_step(batch: Batch, upload: FileUpload) -> None:
    """Ask for the first step at once: a phase that has concluded asks no more."""
    order_step(slot_of(upload), upload, batch.settings.steps[0], batch)


def slot_of(upload: FileUpload) -> EssaySlot:
    """The slot the file holds. Raises ``Refused`` when it is no essay."""
    if upload.slot is None or upload.status != FileUpload.Status.ASSIGNED:
        raise Refused("NOT_AN_ESSAY")
    return upload.slot


def check_texts_of(uploads: Iterable[FileUpload]) -> None:
    """Make sure that the texts of these essays can be read. Raises ``Refused`` and ``StorageFailed``."""
    check_texts(EssaySlot.objects.filter(file__in=[upload.pk for upload in uploads]))
