"""Pages of batches, for overview and API: whole, in order, without gap or repeat."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batches.models import Batch
from results.listing import page
from tests.rows import make_batch

pytestmark = pytest.mark.django_db


def test_pages_follow_without_gap_or_repeat(teacher: User) -> None:
    made = [make_batch(teacher).pk for _ in range(7)]
    now = timezone.now()
    Batch.objects.filter(pk__in=made[:3]).update(created_at=now)
    Batch.objects.filter(pk__in=made[3:]).update(created_at=now - timedelta(days=1))
    seen, cursor, sizes = [], "", []
    while True:
        found = page(teacher, cursor=cursor, size=3)
        seen += [batch.pk for batch in found.batches]
        sizes.append(len(found.batches))
        cursor = found.next_cursor
        if not cursor:
            break
    assert sizes == [3, 3, 1]
    assert seen == list(Batch.objects.order_by("-created_at", "-pk").values_list("pk", flat=True))


def test_a_full_last_page_has_no_next(teacher: User) -> None:
    for _ in range(3):
        make_batch(teacher)
    assert page(teacher, size=3).next_cursor == ""


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "_",
        "17_x",
        "99999999999999999_00000000-0000-0000-0000-000000000000",
        "é",
        "AAAA",
        "MjAyNi0wMS0wMSAwMA==",
        "MjAyNi0wMS0wMVQwMDowMDowMCAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==",
    ],
)
def test_a_foreign_cursor_starts_from_the_newest(teacher: User, cursor: str) -> None:
    make_batch(teacher)
    assert len(page(teacher, cursor=cursor).batches) == 1
