"""How long batches are kept: school years in the school's time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batches import keeping
from tests.pipeline import Pipeline


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (date(2026, 11, 29), 6, date(2027, 12, 31)),
        (date(2027, 6, 30), 6, date(2027, 12, 31)),
        (date(2027, 7, 1), 6, date(2028, 12, 31)),
        (date(2027, 1, 1), 0, date(2027, 6, 30)),
        (date(2027, 1, 1), 8, date(2028, 2, 29)),
        (date(2027, 1, 1), 36, date(2030, 6, 30)),
        (date(2027, 1, 1), None, None),
    ],
)
def test_the_last_day_counts_from_the_school_year(day: date, months: int | None, end: date | None) -> None:
    assert keeping.default_end(day, months) == end


@pytest.mark.parametrize(("left", "told"), [(31, None), (30, 30), (0, 0), (-1, -1)])
def test_thirty_days_before_it_is_told(left: int, told: int | None) -> None:
    today = date(2027, 12, 1)
    assert keeping.days_left(today + timedelta(days=left), today) == told
    assert keeping.days_left(None, today) is None


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        # In Stockholm the last school year ended at 22:00 UTC.
        (datetime(2027, 6, 30, 21, 59, tzinfo=UTC), date(2027, 12, 31)),
        (datetime(2027, 6, 30, 22, 1, tzinfo=UTC), date(2028, 12, 31)),
        (datetime(2027, 12, 31, 23, 30, tzinfo=UTC), date(2028, 12, 31)),
        (datetime(2028, 2, 29, 12, 0, tzinfo=UTC), date(2028, 12, 31)),
    ],
    ids=["last minute", "first minute", "new year", "leap day"],
)
def test_a_batch_belongs_to_the_school_year_of_the_schools_time(
    pipeline: Pipeline, teacher: User, moment: datetime, end: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batches.actions.registering.database_now", lambda: moment)
    batch = pipeline.register(teacher, 1)
    assert batch.ends_on == end
    assert keeping.latest_end(timezone.localdate(moment)) == date(end.year + 3, 6, 30)


@pytest.mark.parametrize(
    ("day", "end"),
    [(date(2026, 6, 30), date(2026, 6, 30)), (date(2026, 7, 1), date(2027, 6, 30))],
)
def test_a_school_year_ends_with_june(day: date, end: date) -> None:
    assert keeping.end_of_school_year(day) == end
