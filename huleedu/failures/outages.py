"""Failures of what the product stands on, not of the thing it worked on: tried again until they are over."""

from datetime import datetime, timedelta

import psycopg
from django.db import DatabaseError
from django.utils import timezone
from structlog.typing import FilteringBoundLogger

from huleedu.failures.errors import StorageFailed

# PostgreSQL's manual, appendix A: transaction rollback, insufficient resources, operator intervention, system
# error.
CLASSES = frozenset({"40", "53", "57", "58"})
STATES = frozenset({"25006", "42501", "55P03"})  # read-only, insufficient privilege, lock not available
LONGEST = timedelta(minutes=1)
# What a database that answers will not do, and what helps. It is not away, and waiting alone mends nothing.
REMEDIES = {
    "42501": "Its user may not use a table: make that user the owner of all of HuleEdu's tables.",
    "42P01": "A table is missing: run manage.py migrate with this release.",
    "42703": "A column is missing: run manage.py migrate with this release.",
    "25006": "It is read-only: name the server that takes writes in DATABASE_URL.",
}


def is_outage(error: Exception) -> bool:
    """True when trying again helps as soon as what failed is mended or free. Damaged content is no outage."""
    if isinstance(error, StorageFailed):
        return True
    state = state_of(error)
    return state in STATES or state[:2] in CLASSES


def state_of(error: Exception) -> str:
    """PostgreSQL's five letters for what went wrong, whether Django wrapped it or not; empty without any."""
    if isinstance(error, DatabaseError):
        return getattr(error.__cause__, "sqlstate", None) or ""
    return getattr(error, "sqlstate", None) or "" if isinstance(error, psycopg.Error) else ""


def report(log: FilteringBoundLogger, part: str, error: Exception) -> None:
    """One line on a database that failed ``part``: away, or there and unwilling, with what helps then."""
    state = state_of(error)
    if state in REMEDIES:
        log.error("database.refuses", part=part, status="error", sqlstate=state, remedy=REMEDIES[state])
    else:
        log.warning("database.away", part=part, status="waiting")


def patience(backoff: timedelta, since: datetime | None) -> timedelta:
    """The wait before the next try: ``backoff``, and longer the longer it has failed, up to a minute."""
    failing = timezone.now() - since if since is not None else timedelta()
    return min(LONGEST, max(backoff, failing / 4))
