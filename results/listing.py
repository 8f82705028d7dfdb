"""A teacher's batches page by page: the same for the overview and the API."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet

from batches.models import Batch
from huleedu.postgres.snapshots import seen_to
from results.queries import with_counts
from results.searching import holding
from results.shapes import CURSOR
from results.standing import Show, narrowed, ranked

Order = Literal["newest", "needs"]
PAGE_SIZE = 50
FORM = re.compile(CURSOR)
ORDERS: dict[Order, tuple[str, ...]] = {
    "newest": ("-created_at", "-pk"),
    "needs": ("rank", "-created_at", "-pk"),
}
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# What the arithmetic means: huleedu.postgres.snapshots.
WRITTEN = """
SELECT batch.id FROM batches_batch batch
WHERE batch.owner_id = %(owner)s AND batch.binned_at IS NULL AND (
  ((batch.xmin::text::bigint - %(since)s) & 4294967295) < 2147483648
  OR EXISTS (
    SELECT FROM files_fileupload file
    WHERE file.batch_id = batch.id AND ((file.xmin::text::bigint - %(since)s) & 4294967295) < 2147483648))
"""


@dataclass(frozen=True)
class Cursor:
    """The last batch of a page: the next page has those behind it.

    In the order of needs ``rank`` is where it stood, and ``seen_to`` what the page had seen: a batch that
    changed since may have moved from behind the cursor to before it.
    """

    created_at: datetime
    batch_id: UUID
    rank: int | None = None
    seen_to: int = 0

    def __str__(self) -> str:
        place = f"{(self.created_at - BEGINNING) // MICROSECOND}_{self.batch_id}"
        return place if self.rank is None else f"{self.rank}_{place}_{self.seen_to}"

    @classmethod
    def read(cls, text: str, order: Order) -> Self | None:
        """The cursor that ``str`` made of one in that order; None for any other text."""
        if not text or FORM.fullmatch(text) is None:
            return None
        words = text.split("_")
        if (len(words) == 4) != (order == "needs"):
            return None
        rank, seen = (int(words.pop(0)), int(words.pop())) if order == "needs" else (None, 0)
        return cls(BEGINNING + int(words[0]) * MICROSECOND, UUID(words[1]), rank, seen)

    @property
    def behind(self) -> Q:
        """Which batches come after it."""
        place = Q(created_at__lt=self.created_at) | Q(created_at=self.created_at, pk__lt=self.batch_id)
        return place if self.rank is None else Q(rank__gt=self.rank) | Q(place, rank=self.rank)


@dataclass(frozen=True)
class Page:
    """Batches with their counts (``annotated_counts``), and the next page's cursor, empty on the last.

    ``moved`` are those that may have moved past the cursor since the page before, or came since: some of them
    were on it.
    """

    batches: list[Batch]
    next_cursor: str
    moved: list[Batch]


def page(
    owner: User,
    q: str = "",
    cursor: str = "",
    status: str | None = None,
    size: int = PAGE_SIZE,
    show: Show = "all",
    order: Order = "newest",
) -> Page:
    """The owner's batches that the words in ``q``, ``show`` and ``status`` ask for, from ``cursor`` on.

    At most five queries. A cursor that is none of this order begins anew.
    """
    rows = narrowed(ranked(matching(owner, q, status)), show)
    last = Cursor.read(cursor, order)
    after = rows.filter(last.behind) if last else rows
    places = ORDERS[order]
    found = list(after.order_by(*places).values_list("pk", flat=True)[: size + 1])
    moved = moved_since(owner, rows, last) if last and last.rank is not None else []
    wanted = ranked(Batch.objects.filter(pk__in=[*found[:size], *moved]))
    whole = {batch.pk: batch for batch in with_counts(wanted).order_by(*places)}
    batches = [whole[pk] for pk in found[:size] if pk in whole]
    more = len(found) > size and bool(batches)
    return Page(
        batches,
        str(cursor_at(batches[-1], order)) if more else "",
        [batch for pk, batch in whole.items() if pk in moved],
    )


def cursor_at(batch: Batch, order: Order) -> Cursor:
    """The cursor of a page that ends with a ranked ``batch``."""
    if order == "newest":
        return Cursor(batch.created_at, batch.pk)
    rank: int = getattr(batch, "rank")  # noqa: B009, an annotation
    return Cursor(batch.created_at, batch.pk, rank, seen_to())


def moved_since(owner: User, rows: QuerySet[Batch], cursor: Cursor) -> set[UUID]:
    """Those of ``rows`` that are not behind ``cursor`` and were written since, or files of theirs."""
    with connection.cursor() as asking:
        asking.execute(WRITTEN, {"owner": owner.pk, "since": cursor.seen_to & 0xFFFFFFFF})
        written = [batch_id for (batch_id,) in asking.fetchall()]
    before = rows.filter(pk__in=written).exclude(cursor.behind) if written else rows.none()
    return set(before.values_list("pk", flat=True))


def matching(owner: User, q: str, status: str | None) -> QuerySet[Batch]:
    """The owner's batches in which all words of ``q`` are somewhere, with that status if there is one."""
    batches = holding(Batch.objects.owned_by(owner), q)
    return batches.filter(status=status) if status else batches
