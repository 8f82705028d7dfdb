"""The one rewriting of events there is: what tells of a person leaves them, ids and numbers stay.

An event's id is made of ids, phase, revision and outcome, so a redacted one is still the same event, and may
be delivered again. Its envelope then says ``redacted``.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from huleedu.events.catalogue import CATALOGUE
from huleedu.models import DeadLetter, IdempotencyRecord, LoggedEvent, OutboxMessage
from huleedu.personal import personal_fields, without_personal

TELLING = [name for name, event in CATALOGUE.items() if personal_fields(event)]
PIECE = 500  # rows in one statement
FORGOTTEN = 410  # of an answer that is not given again


def redacted(event_type: str, envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope without what tells of a person."""
    data = without_personal(CATALOGUE[event_type], envelope["data"])
    return {**envelope, "data": data, "redacted": True}


def redact_batch(batch_id: UUID) -> None:
    """Redact all events of a batch, wherever they are.

    First those that wait: one that the relay moves meanwhile is found in the log then.
    """
    for rows in (OutboxMessage.objects, DeadLetter.objects, LoggedEvent.objects):
        redact(rows.filter(batch_id=batch_id))


def redact_file(batch_id: UUID, file_upload_id: UUID, until: datetime | None = None) -> None:
    """Redact all events about one file, or those that happened ``until`` then."""
    of_file = {"batch_id": batch_id, "file_upload_id": file_upload_id}
    waiting = OutboxMessage.objects.filter(
        batch_id=batch_id, envelope__data__file_upload_id=str(file_upload_id)
    )
    redact(waiting, until)
    for rows in (DeadLetter.objects, LoggedEvent.objects):
        redact(rows.filter(**of_file), until)


def redact(rows: "QuerySet[Any]", until: datetime | None = None) -> None:
    """Redact those of ``rows`` that tell anything, some at a time; in the caller's transaction."""
    found = rows.filter(event_type__in=TELLING, envelope__has_key="data")
    telling = found.exclude(envelope__has_key="redacted").select_for_update().order_by("pk")
    last = 0
    while piece := list(telling.filter(pk__gt=last)[:PIECE]):
        last = piece[-1].pk
        old = [row for row in piece if until is None or happened(row.envelope) <= until]
        for row in old:
            row.envelope = redacted(row.event_type, row.envelope)
        rows.model._default_manager.bulk_update(old, ["envelope"])


def happened(envelope: dict[str, Any]) -> datetime:
    """When the event occurred."""
    return datetime.fromisoformat(envelope["occurred_at"])


def contents_named(batch_id: UUID, file_upload_id: UUID, until: datetime | None = None) -> set[UUID]:
    """The ids of every content that an event about the file names, or one that happened ``until`` then."""
    of_file = {"batch_id": batch_id, "file_upload_id": file_upload_id}
    waiting = OutboxMessage.objects.filter(
        batch_id=batch_id, envelope__data__file_upload_id=str(file_upload_id)
    )
    sources = (waiting, DeadLetter.objects.filter(**of_file), LoggedEvent.objects.filter(**of_file))
    envelopes = [envelope for rows in sources for envelope in rows.values_list("envelope", flat=True)]
    return {
        UUID(envelope["data"][name])
        for envelope in envelopes
        if "data" in envelope and (until is None or happened(envelope) <= until)
        for name in ("raw_storage_id", "text_storage_id")
        if envelope["data"].get(name)
    }


def forget_answers(subject_id: UUID) -> None:
    """Empty kept answers that name ``subject_id``: a repeat does nothing, and is told that it is erased."""
    answers = IdempotencyRecord.objects.annotate(text=Cast("body", TextField()))
    answers.filter(text__contains=str(subject_id)).update(status_code=FORGOTTEN, body=None)
