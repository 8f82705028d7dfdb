"""The security log as JSON lines, oldest first, in pieces: it needs as little memory however long it is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from huleedu.security_events import SecurityEvent

ROWS_AT_ONCE = 2_000
PLAIN = ("kind", "actor_id", "account_id", "network", "route", "subject", "subject_id", "reason", "details")


def lines(since: datetime, until: datetime, account_id: int | None = None) -> Iterator[str]:
    """One JSON object for each event from ``since`` on and before ``until``.

    Of one account: all that it did, or that is about it. Each piece is read at a moment of its own.
    """
    last = (since, 0)
    while True:
        piece = list(after(last, until, account_id)[:ROWS_AT_ONCE])
        ids = {number for event in piece for number in (event.actor_id, event.account_id) if number}
        names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}
        for event in piece:
            yield json.dumps(as_object(event, names), ensure_ascii=False)
        if len(piece) < ROWS_AT_ONCE:
            return
        last = (piece[-1].at, piece[-1].pk)


def after(last: tuple[datetime, int], until: datetime, account_id: int | None) -> QuerySet[SecurityEvent]:
    """What comes after the row at that time with that id."""
    at, number = last
    rows = SecurityEvent.objects.filter(at__gte=at, at__lt=until).exclude(at=at, pk__lte=number)
    if account_id is not None:
        rows = rows.filter(Q(actor_id=account_id) | Q(account_id=account_id))
    return rows.order_by("at", "pk")


def as_object(event: SecurityEvent, names: dict[int, str]) -> dict[str, Any]:
    """An event as it is exported: times in UTC, ids, and the names that accounts have now."""
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat(),
        **{name: getattr(event, name) for name in PLAIN},
        "actor": names.get(event.actor_id or 0),
        "account": names.get(event.account_id or 0),
        "correlation_id": str(event.correlation_id) if event.correlation_id else None,
    }
