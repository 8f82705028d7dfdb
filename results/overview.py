"""The overview: a teacher's batches, newest first, one page at a time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from batches.keeping import days_left
from batches.models import Batch
from results.listing import read_time
from results.queries import Counts, annotated_counts, counts_of, with_counts

PAGE_SIZE = 50
NEWEST_FIRST = ("-created_at", "-pk")


@dataclass(frozen=True)
class Page:
    """Cards to show, and where the next page begins; empty on the last one."""

    cards: list[dict[str, Any]]
    next_cursor: str


def overview(owner: User, query: str = "", cursor: str = "", size: int = PAGE_SIZE) -> Page:
    """The owner's batches whose title or class holds ``query``, from ``cursor`` on; two queries.

    A cursor that is not ours starts from the newest.
    """
    rows = matching(Batch.objects.owned_by(owner), query)
    place = read_cursor(cursor)
    if place:
        created_at, batch_id = place
        rows = rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, pk__lt=batch_id))
    ids = list(rows.order_by(*NEWEST_FIRST).values_list("pk", flat=True)[: size + 1])
    shown = list(with_counts(Batch.objects.filter(pk__in=ids[:size])).order_by(*NEWEST_FIRST))
    more = len(ids) > size and bool(shown)
    return Page(
        [card(batch, annotated_counts(batch)) for batch in shown], cursor_after(shown[-1]) if more else ""
    )


def matching(batches: QuerySet[Batch], query: str) -> QuerySet[Batch]:
    """The batches whose title or class holds ``query``, in any case."""
    if not query:
        return batches
    return batches.filter(Q(title__icontains=query) | Q(class_name__icontains=query))


def card(batch: Batch, counts: Counts) -> dict[str, Any]:
    """One batch as the overview shows it."""
    return {
        "batch_id": batch.pk,
        "title": batch.title,
        "class_name": batch.class_name,
        "created_at": batch.created_at,
        "status": batch.status,
        "ends_on": batch.ends_on if days_left(batch.ends_on) is not None else None,
        "expected_essay_count": batch.expected_essay_count,
        "counts": counts.as_json(),
        "needs_attention": counts.attention,
    }


def card_of(batch: Batch) -> dict[str, Any]:
    """One batch as the overview shows it, counted now."""
    return card(batch, counts_of(batch))


def cursor_after(batch: Batch) -> str:
    """Where the page after ``batch`` begins."""
    place = f"{batch.created_at.isoformat()} {batch.pk.hex}"
    return base64.urlsafe_b64encode(place.encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """The place a cursor names, or None when it names none."""
    try:
        created_at, batch_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        return read_time(created_at), UUID(batch_id)
    except (ValueError, OverflowError, binascii.Error):
        return None
