"""The security log. ``record`` is called in the transaction of what it tells of: both stand, or neither."""

import json
from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, models

from huleedu.http.callers import current_request, known_user_id
from huleedu.http.middleware import correlation_id_of
from huleedu.http.networks import client_network
from huleedu.security_events import SecurityEvent
from huleedu.security_kinds import DETAILS, PACES, SecurityKind

REASON_CHARACTERS = 200
NO_ACCOUNT = 0
Detail = str | int | list[str] | None

# One statement, whatever it finds, so that known and unknown names take as long. The event is written unless
# one of its counts has passed what is free in this minute.
PACED = """
WITH counted AS (
  INSERT INTO huleedu_securitypace AS pace (kind, account_id, minute, free, seen)
  VALUES (%(kind)s, %(own_account)s, date_trunc('minute', now()), %(own)s, 1),
         (%(kind)s, -1, date_trunc('minute', now()), %(all)s, 1)
  ON CONFLICT (minute, kind, account_id) DO UPDATE SET seen = least(pace.seen, 1000000000) + 1
  RETURNING seen > free AS over
)
INSERT INTO huleedu_securityevent
  (at, kind, actor_id, account_id, network, route, subject, subject_id, reason, details, correlation_id)
SELECT statement_timestamp(), %(kind)s, %(actor_id)s::bigint, %(account_id)s::bigint, %(network)s, %(route)s,
  %(subject)s, %(subject_id)s, %(reason)s, %(details)s::jsonb, %(correlation_id)s::uuid
WHERE NOT EXISTS (SELECT FROM counted WHERE over)
"""
# What was counted and not written, once the minute is over: one row for a kind and account, with how many.
SUMMARISE = """
WITH ended AS (
  DELETE FROM huleedu_securitypace WHERE minute < date_trunc('minute', now())
  RETURNING kind, account_id, minute, seen, seen > free AS over
)
INSERT INTO huleedu_securityevent (at, kind, account_id, details)
SELECT statement_timestamp(), kind, nullif(greatest(account_id, 0), 0),
  jsonb_build_object('counted', sum(seen), 'first', min(minute), 'last', max(minute), 'of',
    CASE account_id WHEN -1 THEN 'all' WHEN 0 THEN 'no account' ELSE 'account' END)
FROM ended WHERE over GROUP BY kind, account_id
"""


def record(
    kind: SecurityKind,
    *,
    actor: User | None = None,
    account: User | int | None = None,
    subject: models.Model | None = None,
    reason: str = "",
    details: Mapping[str, Detail] | None = None,
) -> None:
    """Write down that ``actor`` (else who is signed in) did ``kind``, from where, and to what.

    Call it in the transaction of the deed. ``reason`` is what support gives, ``REASON_CHARACTERS`` at most,
    ``details`` are of ``DETAILS``. Raises ``ValueError`` for others: text and names have no place here.
    """
    told = dict(details or {})
    if not told.keys() <= DETAILS:
        raise ValueError(f"not in DETAILS: {sorted(told.keys() - DETAILS)}")
    request = current_request()
    actor_id = actor.pk if actor is not None else known_user_id(request) if request is not None else None
    match = request.resolver_match if request is not None else None
    correlation_id: UUID | None = correlation_id_of(request) if request is not None else None
    values = {
        "kind": kind.value,
        "actor_id": actor_id,
        "account_id": account.pk if isinstance(account, User) else account,
        "network": client_network(request) if request is not None else "",
        "route": match.route[:200] if match is not None else "",
        "subject": subject._meta.label if subject is not None else "",
        "subject_id": str(subject.pk) if subject is not None else "",
        "reason": reason[:REASON_CHARACTERS],
        "correlation_id": correlation_id,
    }
    pace = PACES.get(kind)
    if pace is None:
        SecurityEvent.objects.create(details=told, **values)
        return
    paced = {"own": pace.own, "all": pace.all, "own_account": values["account_id"] or NO_ACCOUNT}
    with connection.cursor() as cursor:
        cursor.execute(PACED, {**values, **paced, "details": json.dumps(told)})


def summarise() -> int:
    """Write how many came beyond those written one by one, in minutes that are over; returns rows."""
    with connection.cursor() as cursor:
        cursor.execute(SUMMARISE)
        return int(cursor.rowcount)


def record_sign_in(sender: object, user: User, **_: object) -> None:
    """Somebody has signed in; a failure here refuses it."""
    record(SecurityKind.SIGNED_IN, actor=user, account=user)


def record_sign_out(sender: object, user: User | None, **_: object) -> None:
    """Somebody is about to be signed out."""
    if user is not None:
        record(SecurityKind.SIGNED_OUT, actor=user, account=user)


def record_account(sender: object, instance: User, created: bool, raw: bool, **_: object) -> None:
    """An account was made, or has got another password, by whatever way."""
    if raw:
        return
    if created:
        record(SecurityKind.ACCOUNT_MADE, account=instance, details={"role": role_of(instance)})
    elif (
        getattr(instance, "_password", None) is not None
    ):  # until it is saved; a new hash of the same one has none
        record(SecurityKind.PASSWORD_CHANGED, account=instance)


def role_of(user: User) -> str:
    """What an account may do, in one word."""
    if user.is_superuser:
        return "administrator"
    return "support" if user.is_staff else "teacher"
