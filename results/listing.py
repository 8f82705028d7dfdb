"""A teacher's batches page by page, newest first."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from batches.models import Batch
from results.queries import annotated_counts, summary, with_counts
from results.shapes import BatchesQuery

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Cursor:
    """The last batch of a page: the next page has those made before it."""

    created_at: datetime
    batch_id: UUID

    def __str__(self) -> str:
        return f"{(self.created_at - BEGINNING) // MICROSECOND}_{self.batch_id}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor that ``str`` made; ``CURSOR`` is its form, and whatever has it can be read."""
        microseconds, _, batch_id = text.partition("_")
        return cls(BEGINNING + int(microseconds) * MICROSECOND, UUID(batch_id))


def read_time(text: str) -> datetime:
    """An ISO time in UTC, where the database can take it.

    Raises ``ValueError`` when it is none or has no zone, ``OverflowError`` for the ends of time.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time.astimezone(UTC)


def matching(user: User, query: BatchesQuery) -> QuerySet[Batch]:
    """The user's batches that ``query`` asks for."""
    batches: QuerySet[Batch] = Batch.objects.owned_by(user)
    if query.q:
        batches = batches.filter(Q(title__icontains=query.q) | Q(class_name__icontains=query.q))
    if query.status:
        batches = batches.filter(status=query.status)
    if query.cursor:
        last = Cursor.read(query.cursor)
        earlier = Q(created_at__lt=last.created_at)
        batches = batches.filter(earlier | Q(created_at=last.created_at, pk__lt=last.batch_id))
    return batches.order_by("-created_at", "-pk")


def page(user: User, query: BatchesQuery) -> dict[str, Any]:
    """One page with the cursor of the next, by two queries."""
    found = list(matching(user, query).values_list("pk", flat=True)[: query.limit + 1])
    shown = found[: query.limit]
    batches = list(with_counts(Batch.objects.filter(pk__in=shown)).order_by("-created_at", "-pk"))
    more = len(found) > query.limit
    return {
        "results": [summary(batch, annotated_counts(batch)) for batch in batches],
        "next": str(Cursor(batches[-1].created_at, batches[-1].pk)) if more and batches else None,
    }
