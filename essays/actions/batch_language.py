"""The language of a batch: found from its essays, or said by its teacher. The batch is locked first."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import refuse_cancelled, report_change
from batches.models import Batch
from essays.actions.rechecking import check_again, check_texts_of, concerned_essays
from essays.languages import essays_of, shown_by_essays
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchLanguageChanged, BatchLanguageFound


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


def language_after(batch: Batch, language: str) -> tuple[str, bool]:
    """The batch's language when the teacher says ``language``, and whether it then is chosen."""
    return language or shown_by_essays(batch, 0), bool(language)
