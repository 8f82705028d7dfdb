"""What browsers and integrators follow: which events become live messages, and reading them back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from huleedu.events.phases import PHASES
from huleedu.models import Feed, LoggedEvent

MESSAGE_NAMES = {
    "BatchFileAdded": "batch.file.added",
    "FileProcessingStarted": "file.processing.started",
    "EssaySlotAssigned": "essay.slot.assigned",
    "EssayValidationFailed": "essay.validation.failed",
    "ExcessContentProvisioned": "essay.content.excess",
    "DuplicateContentDetected": "essay.content.duplicate",
    "BatchFileRemoved": "batch.file.removed",
    "FileReprocessRequested": "file.reprocess.requested",
    "FileLanguageChanged": "file.language.changed",
    "EssayNoteChanged": "essay.note.changed",
    "BatchEssaysReady": "batch.essays.ready",
    "BatchReadinessTimeout": "batch.readiness.timeout",
    **{phase.completed.__name__: phase.live_message for phase in PHASES.values()},
    "BatchPhaseConcluded": "batch.phase.concluded",
    "BatchResultsReady": "batch.results.ready",
    "ExportEnded": "export.ready",
    "BatchCancelled": "batch.changed",
    "BatchResumed": "batch.changed",
    "BatchExpectationChanged": "batch.changed",
    "BatchDeadlineExtended": "batch.changed",
    "BatchLanguageChanged": "batch.changed",
    "BatchSettingsChanged": "batch.changed",
    "BatchMarksChanged": "batch.changed",
    "BatchLanguageFound": "batch.language.found",
    "BatchDeleted": "batch.deleted",
    "BatchRestored": "batch.changed",
    "BatchArchived": "batch.changed",
    "BatchUnarchived": "batch.changed",
    "BatchEndChanged": "batch.changed",
    "BatchStarted": "batch.changed",
    "BatchHandedOver": "batch.changed",
    "BatchReprocessRequested": "batch.changed",
}
CATCH_UP_LIMIT = 2000  # messages; a reader further behind gets a snapshot instead


@dataclass(frozen=True)
class FeedPosition:
    """Where a batch's numbering stands. ``epoch`` changes when counting restarts."""

    epoch: UUID
    seq: int
    owner_id: int


@dataclass(frozen=True)
class NumberedMessage:
    """One committed live message: whose batch it is of, its number, and the event; ``data`` is JSON text."""

    batch_id: UUID
    owner_id: int
    seq: int
    event_type: str
    timestamp: str
    correlation_id: str
    data: str

    @property
    def text(self) -> str:
        """The message as JSON. Its parts are the database's, so nothing in them needs quoting again."""
        return (
            f'{{"type": "event", "event": "{MESSAGE_NAMES[self.event_type]}", "seq": {self.seq},'
            f' "timestamp": "{self.timestamp}", "correlation_id": "{self.correlation_id}",'
            f' "data": {self.data}}}'
        )


def message_of(row: LoggedEvent) -> dict[str, Any]:
    """The same message from a logged event."""
    return {
        "type": "event",
        "event": MESSAGE_NAMES[row.event_type],
        "seq": row.seq,
        "timestamp": row.envelope["occurred_at"],
        "correlation_id": row.envelope["correlation_id"],
        "data": row.envelope.get("data"),
    }


@dataclass(frozen=True)
class Missed:
    """Messages after a position in order, or the advice to read a snapshot."""

    epoch: UUID
    seq: int
    resync: bool
    events: list[dict[str, Any]]


def open_feed(batch_id: UUID, owner_id: int) -> None:
    """Start numbering a new batch's messages."""
    Feed.objects.create(batch_id=batch_id, owner_id=owner_id)


def close_feed(batch_id: UUID, closed: bool) -> None:
    """Nobody follows the batch from now on, or may again."""
    Feed.objects.filter(pk=batch_id).update(closed=closed)


def position(batch_id: UUID) -> FeedPosition | None:
    """The current position, or None for an unknown batch and one in the bin."""
    feed = Feed.objects.filter(pk=batch_id, closed=False).first()
    return FeedPosition(feed.epoch, feed.seq, feed.owner_id) if feed else None


def missed(batch_id: UUID, after: int, epoch: UUID | None) -> Missed:
    """Messages of ``batch_id`` after ``after``; ``resync`` when that position cannot be continued.

    Raises ``Feed.DoesNotExist`` for an unknown batch.
    """
    feed = Feed.objects.get(pk=batch_id)
    behind = feed.seq - after
    if epoch != feed.epoch or behind < 0 or after < 0 or behind > CATCH_UP_LIMIT:
        return Missed(feed.epoch, feed.seq, True, [])
    if behind == 0:
        return Missed(feed.epoch, feed.seq, False, [])
    rows = LoggedEvent.objects.filter(batch_id=batch_id, seq__gt=after, seq__lte=feed.seq).order_by("seq")
    events = [message_of(row) for row in rows.only("event_type", "seq", "envelope")]
    if len(events) != behind:
        return Missed(feed.epoch, feed.seq, True, [])
    return Missed(feed.epoch, feed.seq, False, events)


def trace(file_upload_id: UUID) -> list[dict[str, Any]]:
    """Every relayed event of one file in order: type, topic, id, times and data."""
    rows = LoggedEvent.objects.filter(file_upload_id=file_upload_id).order_by("id")
    return [
        {
            "event_type": row.event_type,
            "topic": row.topic,
            "event_id": row.event_id,
            "occurred_at": row.occurred_at,
            "relayed_at": row.relayed_at,
            "data": row.envelope["data"],
        }
        for row in rows
    ]
