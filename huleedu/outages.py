"""Failures of what the product stands on, not of the thing it worked on: tried again until they are over."""

from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from huleedu.errors import StorageFailed

# PostgreSQL's manual, appendix A: transaction rollback, insufficient resources, operator intervention, system
# error.
CLASSES = frozenset({"40", "53", "57", "58"})
STATES = frozenset({"25006", "42501", "55P03"})  # read-only, insufficient privilege, lock not available
LONGEST = timedelta(minutes=1)


def is_outage(error: Exception) -> bool:
    """True when trying again helps as soon as what failed is mended or free. Damaged content is no outage."""
    if isinstance(error, StorageFailed):
        return True
    state = getattr(error.__cause__, "sqlstate", None) if isinstance(error, DatabaseError) else None
    return state is not None and (state in STATES or state[:2] in CLASSES)


def patience(backoff: timedelta, since: datetime | None) -> timedelta:
    """The wait before the next try: ``backoff``, and longer the longer it has failed, up to a minute."""
    failing = timezone.now() - since if since is not None else timedelta()
    return min(LONGEST, max(backoff, failing / 4))
