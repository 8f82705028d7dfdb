"""The language of one essay, as its teacher says. The batch is locked first."""

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import refuse_cancelled
from batches.models import Batch
from essays.actions.rechecking import check_again, check_texts_of, concerned_essays, slot_of
from files.models import FileUpload
from huleedu.erasure import erased_if_gone
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import FileLanguageChanged


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
