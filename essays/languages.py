"""In which language each essay is checked, and what a batch's language follows. The batch is locked first.

An essay's own language goes before its batch's: chosen by the teacher, else found from its text. The batch's
language is for texts that do not show theirs, and for what a class writes in.
"""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from batches.actions.deciding import refuse_cancelled, report_change
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from essays.actions import check_texts, order_step, present_runs
from essays.models import StepRun
from files.models import FileUpload
from huleedu.erasure import erased_if_gone
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchLanguageChanged, BatchLanguageFound, FileLanguageChanged
from huleedu.failures.errors import Refused

# So many more essays in one language than in the other show the batch's before it is ready.
CLEAR_LEAD = 3


def essays_of(batch: Batch) -> QuerySet[FileUpload]:
    """The batch's essays with their slots, the first one first."""
    assigned = FileUpload.objects.filter(batch=batch, status=FileUpload.Status.ASSIGNED, slot__isnull=False)
    return assigned.select_related("slot").order_by("created_at", "pk")


def shown_by_essays(batch: Batch, lead: int) -> str:
    """The language most of the batch's essays are in, by at least ``lead`` more; empty when there is none.

    Of equally many the one that came first.
    """
    known = essays_of(batch).values_list("chosen_language", "language")
    counted = Counter(chosen or found for chosen, found in known)
    ranked = sorted(
        ((counted[code], code) for code in dict.fromkeys(counted) if code in Batch.Language.values),
        key=lambda pair: -pair[0],
    )
    if not ranked:
        return ""
    ahead = ranked[0][0] - (ranked[1][0] if len(ranked) > 1 else 0)
    return ranked[0][1] if ahead >= lead else ""


def find_batch_language(batch: Batch, lead: int = 0) -> None:
    """Take the language of the locked batch from its essays, once, if nobody chose it and they show one.

    Of a cancelled batch nothing is checked again: it keeps what it has.
    """
    if batch.language or batch.status == Batch.Status.CANCELLED:
        return
    language = shown_by_essays(batch, lead)
    if not language:
        return
    batch.find_language(language)
    # Given back by the teacher and found again is another fact: her decisions are counted.
    emit(
        BatchLanguageFound(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.version,
            language=language,
        )
    )
    check_again(batch, essays_of(batch))


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


def language_of(upload: FileUpload, batch: Batch) -> str:
    """The code of the language the essay is in, empty when nothing shows it."""
    return upload.own_language or batch.language


def is_stray(upload: FileUpload, batch: Batch) -> bool:
    """True when the essay is in another language than its batch."""
    return bool(batch.language) and language_of(upload, batch) != batch.language


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


def set_batch_language(batch_id: UUID, user: User, language: str) -> Batch:
    """The teacher says in which language the batch is; empty takes it from the essays again.

    Essays whose language changes by it are checked again, and only those. Repeating it changes nothing.
    Raises ``Refused`` for a cancelled batch and for texts that are not there whole, and ``StorageFailed``:
    then all stays as it is.
    """
    check_batch_language(batch_id, language)
    return change_batch_language(batch_id, user, language)


def check_batch_language(batch_id: UUID, language: str) -> None:
    """Make sure that the texts which the batch's new language concerns can be read, and lock nothing.

    Raises ``Refused`` and ``StorageFailed``.
    """
    batch = Batch.objects.still_there(batch_id)
    refuse_cancelled(batch)
    after = language_after(batch, language)
    if after != (batch.language, batch.language_chosen):
        batch.language, batch.language_chosen = after
        check_texts_of(concerned_essays(batch, essays_of(batch)))


def language_after(batch: Batch, language: str) -> tuple[str, bool]:
    """The batch's language when the teacher says ``language``, and whether it then is chosen."""
    return language or shown_by_essays(batch, 0), bool(language)


def check_texts_of(uploads: Iterable[FileUpload]) -> None:
    """Make sure that the texts of these essays can be read. Raises ``Refused`` and ``StorageFailed``."""
    check_texts(EssaySlot.objects.filter(file__in=[upload.pk for upload in uploads]))


@transaction.atomic
def change_batch_language(batch_id: UUID, user: User, language: str) -> Batch:
    """Change it and tell. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    refuse_cancelled(batch)
    before = (batch.language, batch.language_chosen)
    after = language_after(batch, language)
    if after == before:
        return batch
    batch.change(language=after[0], language_chosen=after[1])
    report_change(
        batch,
        BatchLanguageChanged,
        user.pk,
        before[0] or None,
        after[0] or None,
        language=after[0] or None,
        language_chosen=after[1],
    )
    check_again(batch, essays_of(batch))
    return batch


def set_essay_language(upload: FileUpload, user: User, language: str) -> FileUpload:
    """The teacher says in which language an essay is; empty takes it from the text again.

    The essay is checked again when that changes its language. Repeating it changes nothing.
    Raises ``Refused``, also when the text is not there whole, and ``StorageFailed``: then all stays as it is.
    """
    check_essay_language(upload, language)
    return change_essay_language(upload, user, language)


def check_essay_language(upload: FileUpload, language: str) -> None:
    """Make sure that the essay's text can be read if its new language concerns it, and lock nothing.

    Raises ``Refused`` and ``StorageFailed``.
    """
    batch = Batch.objects.still_there(upload.batch_id)
    refuse_cancelled(batch)
    with erased_if_gone():
        current = FileUpload.objects.select_related("slot").get(pk=upload.pk)
    slot_of(current)
    if current.chosen_language != language:
        current.chosen_language = language
        check_texts_of(concerned_essays(batch, [current]))


@transaction.atomic
def change_essay_language(upload: FileUpload, user: User, language: str) -> FileUpload:
    """Change it and tell. Raises ``Refused``."""
    current = FileUpload.objects.locked(upload.pk)
    batch = current.batch
    refuse_cancelled(batch)
    slot_of(current)
    if current.chosen_language == language:
        return current
    old = current.own_language
    current.move_to(FileUpload.Status.ASSIGNED, chosen_language=language)
    emit(
        FileLanguageChanged(
            batch_id=batch.pk,
            correlation_id=current.correlation_id,
            revision=current.rev,
            file_upload_id=current.pk,
            rev=current.rev,
            who=user.pk,
            old=old or None,
            language=current.own_language or None,
            language_chosen=bool(language),
        )
    )
    check_again(batch, [current])
    return current
