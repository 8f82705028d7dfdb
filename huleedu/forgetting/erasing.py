"""Forgetting, carried out: a timer queues it when it is due, a worker does it, in pieces.

First the bytes, then the rows that name them, last the ledger: whoever is killed in between leaves the ledger
open, and the next try finds what is left. A store that is away is waited for like in every step.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from batches.models import Batch, BatchPhase
from essays.models import AcceptedWord, EssayNote, StepRun
from files import content
from files.actions.erasing import begin_erasing, erase_rows
from files.models import FileUpload, StoredContent
from files.store import is_refused, reach
from huleedu.accounts import erasures
from huleedu.erasure import Erasure
from huleedu.events import redaction
from huleedu.failures.errors import Refused
from huleedu.failures.failpoints import failpoint
from huleedu.models import DeadLetter, Feed, OutboxMessage, Timer, WorkItem
from huleedu.work import queue as work
from huleedu.work.handlers import Handler
from huleedu.work.timers import clear_timer
from results.actions import ending_exports
from results.models import EssayResult

STEP = "erase"
NOTES = "erasures"  # folder of the store
PIECE = 200  # contents
SLICE_SECONDS = 30.0  # then others have their turn
log = structlog.get_logger(__name__)


def queue(erasure_id: UUID) -> None:
    """Its time has come: queue it, in the transaction of the timer or of whoever asks."""
    erasure = Erasure.objects.filter(pk=erasure_id, ended_at=None).first()
    if erasure is None:
        return
    work.enqueue(
        work.WorkOrder(
            step=STEP,
            subject_id=erasure.pk,
            revision=0,
            batch_id=erasure.batch_id,
            owner_id=erasure.owner_id,
            file_upload_id=erasure.file_upload_id,
            correlation_id=erasure.pk,
            priority="NORMAL",
            max_retries=10,
            timeout_seconds=120,
        )
    )


def give_up(item: WorkItem) -> None:
    """Every try failed: the ledger stays open, so it is counted as late and queued again by the hour."""
    log.error("erasure.failed", erasure_id=str(item.subject_id), status="error")


def erase(item: WorkItem) -> None:
    """Carry out what ``item`` was queued for, or as much as there is time for. Raises ``StorageFailed``."""
    erasure = Erasure.objects.filter(pk=item.subject_id, ended_at=None).first()
    if erasure is not None and not carry_out(erasure, time.monotonic() + SLICE_SECONDS):
        raise work.TooSlow
    work.finish(item)


def still_open(letter: DeadLetter) -> None:
    """Raise ``Refused`` when what could not be erased has been erased since."""
    subject = letter.envelope["subject_id"]
    if not Erasure.objects.filter(pk=subject, ended_at=None).exists():
        raise Refused("DEAD_LETTER_OUTDATED")


ERASURE = Handler(
    STEP,
    erase,
    give_up,
    still_open,
    lambda letter, user: queue(UUID(letter.envelope["subject_id"])),
    must_wait=is_refused,
)


def carry_out(erasure: Erasure, until: float | None = None) -> bool:
    """Erase; False when the time ``until`` came first. Harmless to repeat. Raises ``StorageFailed``.

    What was taken back after ``erasure`` was looked up is let be, and no note is left of it.
    """
    if not erasures.begin(erasure):
        return True
    take_note(erasure)
    failpoint("erase.after_note")
    if erasure.kind == Erasure.Kind.ACCOUNT:
        return erase_account(erasure, until)
    if erasure.kind == Erasure.Kind.BATCH:
        return erase_batch(erasure, until)
    contents = begin_erasing(erasure)
    ending_exports.erase_of_batch(erasure.batch)  # which may hold the file
    content.delete(contents)
    failpoint("erase.after_bytes")
    end_file(erasure, contents)
    return True


@transaction.atomic
def end_file(erasure: Erasure, contents: set[UUID]) -> None:
    """The bytes are gone: so is what rows and events say."""
    whole = erase_rows(erasure, contents)
    runs = StepRun.objects.filter(file_upload_id=erasure.file)
    (runs if whole else runs.filter(text_storage_id__in=contents)).update(**StepRun.personal)
    if whole:
        EssayResult.objects.filter(file_id=erasure.file).delete()
        AcceptedWord.objects.filter(file_id=erasure.file).delete()
        EssayNote.objects.filter(file_id=erasure.file).delete()
    # What a step found of the whole batch while the file was in it tells of it, too.
    seen = BatchPhase.objects.filter(batch=erasure.batch, concluded_at__lt=erasure.asked_at)
    seen.exclude(output=None, error=None).update(**BatchPhase.personal)
    end(erasure)


def erase_batch(erasure: Erasure, until: float | None) -> bool:
    """Erase a batch with all it holds; False when there was no time for everything.

    What a worker reads or writes meanwhile may add content until the batch is locked.
    """
    ended = False
    while not ended:
        for piece in pieces(StoredContent.objects.filter(batch_id=erasure.batch)):
            if until is not None and time.monotonic() > until:
                return False
            erase_contents(piece)
        failpoint("erase.after_contents")
        ended = end_batch(erasure)
    return True


def pieces(contents: "Any") -> Iterator[list[UUID]]:
    """The ids of ``contents``, some at a time, until there are none."""
    while piece := list(contents.order_by("pk").values_list("pk", flat=True)[:PIECE]):
        yield piece


def erase_contents(content_ids: list[UUID]) -> None:
    """Delete bytes, then their rows."""
    content.delete(content_ids)
    StoredContent.objects.filter(pk__in=content_ids).delete()


@transaction.atomic
def end_batch(erasure: Erasure) -> bool:
    """Delete the batch's rows; its events stay, without what tells of anybody. False: content has come."""
    batch_id = erasure.batch
    batch = Batch.objects.select_for_update().filter(pk=batch_id).first()
    if StoredContent.objects.filter(batch_id=batch_id).exists():
        return False
    OutboxMessage.objects.filter(batch_id=batch_id).delete()
    DeadLetter.objects.filter(batch_id=batch_id).delete()
    WorkItem.objects.filter(batch_id=batch_id).exclude(subject_id=erasure.pk).delete()
    inner = Erasure.objects.open().filter(batch_id=batch_id).exclude(pk=erasure.pk)
    Timer.objects.filter(
        Q(batch_id=batch_id) | Q(batch_id__in=list(inner.values_list("pk", flat=True)))
    ).delete()
    inner.update(begun_at=Now(), ended_at=Now())
    Feed.objects.filter(pk=batch_id).delete()
    redaction.redact_batch(batch_id)
    redaction.forget_answers(batch_id)
    if batch is not None:
        # Files first: one that is an essay may not lose its place before.
        FileUpload.objects.filter(batch=batch).delete()
        batch.delete()
    end(erasure)
    return True


def erase_account(erasure: Erasure, until: float | None) -> bool:
    """Erase an account with all its batches; False when there was no time for everything.

    In a restored database the number may be somebody else's by now: whoever joined later is left alone.
    """
    if User.objects.filter(pk=erasure.owner_id, date_joined__gt=erasure.asked_at).exists():
        end(erasure)
        return True
    for batch_id in Batch.objects.filter(owner_id=erasure.owner_id).values_list("pk", flat=True):
        inner, _ = Erasure.objects.open().get_or_create(
            kind=Erasure.Kind.BATCH,
            batch_id=batch_id,
            defaults={"owner_id": erasure.owner_id, "due_at": Now()},
        )
        inner.refresh_from_db()
        if not carry_out(inner, until):
            return False
    for piece in pieces(StoredContent.objects.filter(owner_id=erasure.owner_id)):
        erase_contents(piece)
    end_account(erasure)
    return True


@transaction.atomic
def end_account(erasure: Erasure) -> None:
    """Delete the account's row, and with it tokens, kept answers and counts.

    Django's log of the admin calls each account that was changed there by its name.
    """
    accounts = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=accounts, object_id=str(erasure.owner_id)).delete()
    User.objects.filter(pk=erasure.owner_id).delete()
    end(erasure)


def end(erasure: Erasure) -> None:
    """Say in the ledger that it is done, once."""
    clear_timer(erasures.TIMER, erasure.pk)  # which has not rung when it was erased with something larger
    failpoint("erase.before_end")
    if Erasure.objects.open().filter(pk=erasure.pk).update(ended_at=Now()):
        log.info("erasure.ended", erasure_id=str(erasure.pk), kind=erasure.kind, status="done")


def take_note(erasure: Erasure) -> None:
    """Leave the ids of ``erasure`` in the store, too: a database restored to yesterday does not know it.

    Raises ``StorageFailed``.
    """
    text = ContentFile(json.dumps(facts_of(erasure)).encode())
    reach(partial(default_storage.save, f"{NOTES}/{erasure.pk.hex}", text))


def facts_of(erasure: Erasure) -> dict[str, Any]:
    """What is needed to erase it again: ids, and when it was asked for."""
    return {
        "id": str(erasure.pk),
        "kind": erasure.kind,
        "owner_id": erasure.owner_id,
        "batch_id": str(erasure.batch_id) if erasure.batch_id else None,
        "file_upload_id": str(erasure.file_upload_id) if erasure.file_upload_id else None,
        "revision": erasure.revision,
        "asked_at": erasure.asked_at.isoformat(),
    }


def as_erasure(facts: dict[str, Any]) -> Erasure:
    """The ledger's row that ``facts`` tell of, unsaved."""
    asked_at = datetime.fromisoformat(facts["asked_at"])
    ids = {name: UUID(facts[name]) if facts[name] else None for name in ("batch_id", "file_upload_id")}
    return Erasure(
        id=UUID(facts["id"]),
        kind=Erasure.Kind(facts["kind"]),
        owner_id=int(facts["owner_id"]),
        revision=facts["revision"],
        asked_at=asked_at,
        due_at=asked_at,
        **ids,
    )
