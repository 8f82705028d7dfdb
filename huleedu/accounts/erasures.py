"""Asking for something to be forgotten, and taking it back. Carried out by ``huleedu.forgetting.erasing``.

A timer of the ledger's row rings when it is due; what it rings for is then queued as work.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Coalesce, Now

from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.models import Timer
from huleedu.postgres.clock import database_now
from huleedu.work.timers import clear_timer, set_timer

TIMER = "erase"
LOOK_SECONDS = 24 * 60 * 60  # at least, for a removed file that a backup brought back


def clock() -> datetime:
    """The database's time at this very moment, within a transaction too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def ask(kind: Erasure.Kind, owner_id: int, seconds: int, **subject: Any) -> Erasure:
    """Have the subject forgotten in ``seconds``, in the transaction that removes it."""
    now = clock()
    due_at = now + timedelta(seconds=seconds)
    erasure = Erasure.objects.create(kind=kind, owner_id=owner_id, asked_at=now, due_at=due_at, **subject)
    set_timer(TIMER, erasure.pk, due_at)
    return erasure


def forget_file(owner_id: int, batch_id: UUID, file_upload_id: UUID, essay_id: UUID | None) -> Erasure:
    """A file was removed; ``essay_id`` is the place that it held."""
    subject = {"batch_id": batch_id, "file_upload_id": file_upload_id, "essay_id": essay_id}
    return ask(Erasure.Kind.FILE, owner_id, settings.UNDO_SECONDS, **subject)


def forget_version(owner_id: int, batch_id: UUID, file_upload_id: UUID, revision: int) -> Erasure:
    """A file is about to be replaced: all that happened to it until now is of another one."""
    subject = {"batch_id": batch_id, "file_upload_id": file_upload_id, "revision": revision}
    return ask(Erasure.Kind.VERSION, owner_id, settings.UNDO_SECONDS, **subject)


def take_back(**subject: Any) -> Erasure:
    """Let the subject be; returns what the ledger said. Raises ``Refused("ERASED")`` when it is too late.

    The caller has locked what the subject belongs to.
    """
    erasure = Erasure.objects.select_for_update().filter(ended_at__isnull=True, **subject).first()
    if erasure is None or erasure.begun_at is not None or erasure.due_at <= database_now():
        raise Refused("ERASED")
    clear_timer(TIMER, erasure.pk)
    Erasure.objects.filter(pk=erasure.pk).delete()
    return erasure


def begin(erasure: Erasure) -> bool:
    """From now on it cannot be taken back; False when it was, or has ended, since it was looked up.

    Whoever takes it back holds its row until that is committed: this waits.
    """
    still = Erasure.objects.open().filter(pk=erasure.pk)
    return still.update(begun_at=Coalesce("begun_at", Now())) > 0


def hasten(erasure: Erasure) -> None:
    """Have it forgotten at once."""
    now = clock()
    Erasure.objects.filter(pk=erasure.pk, begun_at__isnull=True).update(due_at=now)
    set_timer(TIMER, erasure.pk, now)


@transaction.atomic
def wait_anew() -> None:
    """What a backup has brought back, and could still be taken back there, waits its whole time once more.

    Its day may have passed in the backup, and somebody may have taken it back since. What was replaced does
    not wait.
    """
    waiting = Erasure.objects.open().filter(
        begun_at=None, pk__in=Timer.objects.filter(kind=TIMER).values("batch_id")
    )
    seconds = {
        Erasure.Kind.BATCH: settings.BIN_SECONDS,
        Erasure.Kind.ACCOUNT: settings.BIN_SECONDS,
        Erasure.Kind.FILE: max(settings.UNDO_SECONDS, LOOK_SECONDS),
    }
    now = clock()
    for kind, wait in seconds.items():
        due_at = now + timedelta(seconds=wait)
        ids = list(waiting.filter(kind=kind, due_at__lt=due_at).values_list("pk", flat=True))
        Erasure.objects.filter(pk__in=ids).update(due_at=due_at)
        Timer.objects.filter(kind=TIMER, batch_id__in=ids).update(due_at=due_at)


def waiting_in_words() -> str:
    """What can still be taken back, for whoever has restored it; empty for nothing."""
    found = Counter(
        Erasure.objects.undoable().exclude(kind=Erasure.Kind.VERSION).values_list("kind", flat=True)
    )
    if not found:
        return ""
    return (
        f"{found['batch']} deleted batches, {found['account']} deleted accounts and {found['file']} removed "
        "files wait to be erased, all their time once more: look at them. Teachers restore theirs from the "
        "bin; manage.py account list, and account delete NAME --undo or --now."
    )
