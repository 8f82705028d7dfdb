"""A teacher's batches page by page, newest first: the same for the overview and the API."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from batches.models import Batch
from results.queries import with_counts
from results.shapes import CURSOR

PAGE_SIZE = 50
FORM = re.compile(CURSOR)
NEWEST_FIRST = ("-created_at", "-pk")
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
    def read(cls, text: str) -> Self | None:
        """The cursor that ``str`` made; None for any other text."""
        if not text or FORM.fullmatch(text) is None:
            return None
        microseconds, _, batch_id = text.partition("_")
        return cls(BEGINNING + int(microseconds) * MICROSECOND, UUID(batch_id))


@dataclass(frozen=True)
class Page:
    """Batches with their counts (``annotated_counts``), and the next page's cursor, empty on the last."""

    batches: list[Batch]
    next_cursor: str


def page(
    owner: User, q: str = "", cursor: str = "", status: str | None = None, size: int = PAGE_SIZE
) -> Page:
    """The owner's batches whose title or class holds ``q``, from ``cursor`` on; two queries.

    A cursor that is none begins with the newest.
    """
    rows = matching(owner, q, status)
    if last := Cursor.read(cursor):
        earlier = Q(created_at__lt=last.created_at)
        rows = rows.filter(earlier | Q(created_at=last.created_at, pk__lt=last.batch_id))
    found = list(rows.order_by(*NEWEST_FIRST).values_list("pk", flat=True)[: size + 1])
    batches = list(with_counts(Batch.objects.filter(pk__in=found[:size])).order_by(*NEWEST_FIRST))
    more = len(found) > size and bool(batches)
    return Page(batches, str(Cursor(batches[-1].created_at, batches[-1].pk)) if more else "")


def matching(owner: User, q: str, status: str | None) -> QuerySet[Batch]:
    """The owner's batches whose title or class holds ``q``, in any case, with that status if there is one."""
    batches: QuerySet[Batch] = Batch.objects.owned_by(owner)
    if q:
        batches = batches.filter(Q(title__icontains=q) | Q(class_name__icontains=q))
    return batches.filter(status=status) if status else batches
