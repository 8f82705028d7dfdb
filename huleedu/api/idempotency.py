"""Unsafe requests under a client's ``Idempotency-Key``: one effect, and the same answer again."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from huleedu.answers.problems import Problem
from huleedu.api.api_view import user_of
from huleedu.events.redaction import FORGOTTEN
from huleedu.models import IdempotencyRecord
from huleedu.postgres.conflicts import retried
from huleedu.postgres.kept import NUMBER, Kept

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MAX_KEY = 255
HANGING_SECONDS = 60
RETRY_SECONDS = 2
HANGING = """
SELECT EXISTS (
  SELECT FROM pg_locks JOIN pg_stat_activity AS session USING (pid)
  WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint = %s AND objid::bigint = %s
    AND session.datname = current_database()
    AND session.state_change < clock_timestamp() - make_interval(secs => %s))
"""
KEPT = Kept(lambda owner_id, key: IdempotencyRecord.objects.filter(owner_id=owner_id, key=key), NUMBER, "key")
Effect = Callable[[], Response]


@dataclass(frozen=True)
class Attempt:
    """One request under a key of one user; ``key`` is what is kept of the client's."""

    owner_id: int
    key: str
    fingerprint: str

    @property
    def lock_number(self) -> int:
        """The advisory lock of this user's key, a signed 64-bit number."""
        digest = hashlib.sha256(f"{self.owner_id}\x1f{self.key}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


def key_of(request: Request) -> str | None:
    """The request's key, or None. Raises ``Problem`` unless it is 1 to 255 printable ASCII."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise Problem(400, "IDEMPOTENCY_KEY_INVALID")
    return key


def digest_of_json(data: object) -> str:
    """What makes two JSON bodies the same: their values, not their spelling."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def attempt_of(request: Request, body_digest: str) -> Attempt | None:
    """The attempt that ``request`` is, or None without a key. Raises ``Problem``."""
    key = key_of(request)
    if key is None:
        return None
    text = "\x1f".join([request.method or "", request.get_full_path(), body_digest])
    return Attempt(user_of(request).pk, kept_key(key), hashlib.sha256(text.encode()).hexdigest())


def kept_key(key: str) -> str:
    """What is kept of a client's key, which may hold a name: its SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()


def once(request: Request, effect: Effect, body_digest: str | None = None) -> Response:
    """Answer with ``effect``, or with what it answered before under the same key.

    Effect and record are one transaction: either both are there or neither. Refusals are not kept.
    Raises ``Problem``: the key is invalid, was used for another request, or its request is still running.
    """
    attempt = attempt_of(request, body_digest or digest_of_json(request.data))
    return retried(effect if attempt is None else lambda: recorded(attempt, effect))


@transaction.atomic
def recorded(attempt: Attempt, effect: Effect) -> Response:
    """The earlier answer, or the effect and the record of its answer. Raises ``Problem``."""
    take_lock(attempt)
    saved = saved_answer(attempt)
    if saved is not None:
        return saved
    response = effect()
    record_of(attempt, response).save()
    return response


def record_of(attempt: Attempt, response: Response) -> IdempotencyRecord:
    """The unsaved record of what was answered."""
    return IdempotencyRecord(
        owner_id=attempt.owner_id,
        key=attempt.key,
        fingerprint=attempt.fingerprint,
        status_code=response.status_code,
        body=stored_body(response),
    )


def take_lock(attempt: Attempt) -> None:
    """Hold the key until the transaction ends. Raises ``Problem`` while another request has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [attempt.lock_number])
        (taken,) = cursor.fetchone()
    if not taken:
        raise in_progress()


def saved_answer(attempt: Attempt) -> Response | None:
    """The earlier answer, or None when there is none. Raises ``Problem``."""
    record = KEPT.first(attempt.owner_id, attempt.key)
    return replay(record, attempt) if record else None


def replay(record: IdempotencyRecord, attempt: Attempt) -> Response:
    """What ``record`` keeps. Raises ``Problem`` for another request's, and for what was forgotten."""
    if record.fingerprint != attempt.fingerprint:
        raise Problem(422, "IDEMPOTENCY_KEY_REUSED")
    if record.status_code == FORGOTTEN:
        raise Problem(410, "ERASED")
    return Response(record.body, status=record.status_code, headers={REPLAYED: "true"})


def in_progress() -> Problem:
    """409: the same request is being carried out."""
    return Problem(409, "REQUEST_IN_PROGRESS", RETRY_SECONDS)


def stored_body(response: Response) -> Any:
    """The answer's data as plain JSON values."""
    return json.loads(JSONRenderer().render(response.data))


def once_in_parts(
    request: Request, effect: Effect, body_digest: str, is_final: Callable[[], bool]
) -> Response:
    """Like ``once`` for an effect of several transactions, which must itself be harmless to repeat.

    The key is locked while the request is carried out; when its process dies, or says nothing to the database
    for ``HANGING_SECONDS``, a repeat may carry it out at once. An answer is kept when ``is_final`` says that
    trying again can change nothing. Raises ``Problem`` as ``once`` does.
    """
    attempt = attempt_of(request, body_digest)
    if attempt is None:
        return effect()
    with running(attempt) as saved:
        if saved is not None:
            return saved
        response = effect()
        try:
            if is_final():
                record_of(attempt, response).save(force_insert=True)
        except IntegrityError:  # whoever took it for abandoned was first
            return saved_answer(attempt) or response
        return response


@contextmanager
def running(attempt: Attempt) -> Iterator[Response | None]:
    """Hold the key within the block; gives the earlier answer, if there is one. Raises ``Problem``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [attempt.lock_number])
        (alone,) = cursor.fetchone()
    try:
        saved = saved_answer(attempt)
        if saved is None and not alone and not is_hanging(attempt):
            raise in_progress()
        yield saved
    finally:
        if alone:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [attempt.lock_number])


def is_hanging(attempt: Attempt) -> bool:
    """Whether the session that carries the request out has said nothing for ``HANGING_SECONDS``."""
    high, low = attempt.lock_number >> 32 & 0xFFFFFFFF, attempt.lock_number & 0xFFFFFFFF
    with connection.cursor() as cursor:
        cursor.execute(HANGING, [high, low, HANGING_SECONDS])
        hanging: bool = cursor.fetchone()[0]
        return hanging
