"""How long a batch is kept: to a day that counts from the end of its school year, in the school's time."""

from calendar import monthrange
from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

FIRST_MONTH = 7  # a school year begins in July
WARNING = timedelta(days=30)


def end_of_school_year(day: date) -> date:
    """The last day of the school year that ``day`` lies in: the 30th of June."""
    return date(day.year + (day.month >= FIRST_MONTH), FIRST_MONTH - 1, 30)


def default_end(day: date, months: int | None) -> date | None:
    """The last day of the month that is ``months`` after the school year of ``day``; None: no end."""
    if months is None:
        return None
    month = FIRST_MONTH - 2 + months
    year = end_of_school_year(day).year + month // 12
    return date(year, month % 12 + 1, monthrange(year, month % 12 + 1)[1])


def first_end(today: date | None = None) -> date | None:
    """When a batch that is made today ends, unless its teacher says something else."""
    return default_end(today or timezone.localdate(), settings.RETENTION_MONTHS)


def latest_end(made: date) -> date | None:
    """To when a teacher may keep a batch that was made on ``made``; None: as long as she wants."""
    return default_end(made, settings.RETENTION_MAX_MONTHS)


def latest_choice(made: date, ends_on: date | None) -> date | None:
    """As ``latest_end``, but never before the day that it has: the bin may have given it a later one."""
    latest = latest_end(made)
    return max(latest, ends_on) if latest and ends_on else latest


def days_left(ends_on: date | None, today: date | None = None) -> int | None:
    """The days that are left of a batch that ends within ``WARNING``, else None; 0 is the last."""
    if ends_on is None:
        return None
    left = ends_on - (today or timezone.localdate())
    return left.days if left <= WARNING else None
