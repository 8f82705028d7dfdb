"""A teacher says that a marked word is no error, and takes that back. The batch is locked first."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import report_change
from batches.models import Batch
from essays.accepted import fold
from essays.models import AcceptedWord
from files.models import FileUpload
from huleedu.events.vocabulary import BatchMarksChanged
from huleedu.failures.errors import Refused

MOST = 5_000  # words of one scope


@transaction.atomic
def accept(upload: FileUpload, user: User, word: str, scope: str) -> None:
    """``word`` is no error in the file's essay, in its batch, or in all of the teacher's.

    Repeating it changes nothing. Raises ``Refused`` when there are too many.
    """
    batch = Batch.objects.locked(upload.batch_id)
    place = place_of(scope, upload, user)
    said = AcceptedWord.objects.filter(**place)
    if not said.filter(folded=fold(word)).exists() and said.count() >= MOST:
        raise Refused("TOO_MANY_WORDS", limit=MOST)
    _, fresh = AcceptedWord.objects.get_or_create(**place, folded=fold(word), defaults={"word": word})
    if fresh:
        report(batch, user, scope)


@transaction.atomic
def mark_again(upload: FileUpload, user: User, word: str, scope: str) -> None:
    """``word`` is marked again within ``scope``, as before ``accept``. Repeating it changes nothing."""
    batch = Batch.objects.locked(upload.batch_id)
    removed, _ = AcceptedWord.objects.filter(**place_of(scope, upload, user), folded=fold(word)).delete()
    if removed:
        report(batch, user, scope)


@transaction.atomic
def forget_always(user: User, pk: int) -> str:
    """A word that the teacher always accepts is marked again; returns it, empty when there is none."""
    found = AcceptedWord.objects.select_for_update().filter(owner=user, pk=pk).first()
    if found is None:
        return ""
    found.delete()
    return found.word


def place_of(scope: str, upload: FileUpload, user: User) -> dict[str, Any]:
    """Where a word of ``scope`` is accepted."""
    places: dict[str, dict[str, Any]] = {
        AcceptedWord.Scope.ESSAY: {"file_id": upload.pk},
        AcceptedWord.Scope.BATCH: {"batch_id": upload.batch_id},
        AcceptedWord.Scope.ALWAYS: {"owner_id": user.pk},
    }
    return places[scope]


def report(batch: Batch, user: User, scope: str) -> None:
    """Count the decision and tell that marks of the batch have changed; not which words."""
    batch.change()
    report_change(batch, BatchMarksChanged, user.pk, None, None, scope=scope)
