"""What one teacher, and all together, may keep, add in a day and have waiting.

``Usage`` has a row for each teacher. Its bytes are counted by a trigger, in the transaction of every content
that comes or goes; files and batches of a day here, in the transaction that adds them. So each check costs
one statement, whatever there is, and no crash leaves a wrong figure (docs/adr/0034-quotas.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now

TODAY = "(now() AT TIME ZONE 'UTC')::date"
ADMIT = f"""
INSERT INTO huleedu_usage AS mine (owner_id, bytes, day, files, batches)
VALUES (%(owner)s, 0, {TODAY}, %(files)s, %(batches)s)
ON CONFLICT (owner_id) DO UPDATE SET
  files = CASE WHEN mine.day = {TODAY} THEN mine.files ELSE 0 END + excluded.files,
  batches = CASE WHEN mine.day = {TODAY} THEN mine.batches ELSE 0 END + excluded.batches,
  day = {TODAY}
RETURNING bytes, files, batches, coalesce(most_bytes, %(most_bytes)s),
  coalesce(most_files, %(most_files)s), coalesce(most_batches, %(most_batches)s),
  (SELECT coalesce(sum(other.bytes), 0) FROM huleedu_usage other
   WHERE other.owner_id <> mine.owner_id)::bigint,
  (SELECT coalesce(sum(other.files), 0) FROM huleedu_usage other
   WHERE other.owner_id <> mine.owner_id AND other.day = {TODAY})::bigint,
  (SELECT coalesce(sum(other.batches), 0) FROM huleedu_usage other
   WHERE other.owner_id <> mine.owner_id AND other.day = {TODAY})::bigint
"""  # noqa: S608
STATE = f"""
SELECT
  (SELECT count(*) FROM (SELECT FROM huleedu_workitem
                         WHERE step = ANY(%(steps)s::text[]) AND owner_id = %(owner)s
                         LIMIT %(mine)s) AS items)
  + (SELECT count(*) FROM (SELECT FROM huleedu_outboxmessage message JOIN huleedu_feed feed USING (batch_id)
                           WHERE feed.owner_id = %(owner)s LIMIT %(mine)s) AS messages),
  EXISTS (SELECT FROM huleedu_workitem ORDER BY id OFFSET %(all)s)
  OR EXISTS (SELECT FROM huleedu_outboxmessage ORDER BY id OFFSET %(all)s),
  coalesce((SELECT most_bytes FROM huleedu_usage WHERE owner_id = %(owner)s), %(most_bytes)s),
  coalesce((SELECT most_files FROM huleedu_usage WHERE owner_id = %(owner)s), %(most_files)s),
  coalesce((SELECT most_batches FROM huleedu_usage WHERE owner_id = %(owner)s), %(most_batches)s),
  coalesce((SELECT bytes FROM huleedu_usage WHERE owner_id = %(owner)s), 0),
  (SELECT coalesce(sum(bytes), 0) FROM huleedu_usage)::bigint,
  coalesce((SELECT files FROM huleedu_usage WHERE owner_id = %(owner)s AND day = {TODAY}), 0),
  coalesce((SELECT batches FROM huleedu_usage WHERE owner_id = %(owner)s AND day = {TODAY}), 0)
"""  # noqa: S608
# Refusals of these end by themselves, or when somebody makes room: the same request may be sent again.
EASING = frozenset({"NO_ROOM_LEFT", "STORAGE_FULL", "TOO_MANY_FILES_TODAY", "DAY_FULL"})


@dataclass(frozen=True)
class State:
    """What there is before something is added: ``waiting`` of one teacher, at most one more than she may.

    ``full`` says that all together have too much waiting; bytes are those kept, files and batches of today.
    ``most_…`` are the teacher's own limits, or the installation's.
    """

    waiting: int
    full: bool
    most_bytes: int
    most_files: int
    most_batches: int
    kept: int
    kept_by_all: int
    files: int
    batches: int


def state_of(owner_id: int, steps: Sequence[str]) -> State:
    """What a teacher has and what all have; ``steps`` are the names of all that work may wait for."""
    parameters: dict[str, Any] = {
        "owner": owner_id,
        "steps": list(steps),
        "mine": settings.TEACHER_QUEUED_WORK + 1,
        "all": settings.MAX_QUEUED_WORK,
        **usual_limits(),
    }
    with connection.cursor() as cursor:
        cursor.execute(STATE, parameters)
        return State(*cursor.fetchone())


def usual_limits() -> dict[str, int]:
    """What holds for teachers without limits of their own."""
    return {
        "most_bytes": settings.TEACHER_BYTES,
        "most_files": settings.TEACHER_FILES_A_DAY,
        "most_batches": settings.TEACHER_BATCHES_A_DAY,
    }


def check_waiting(state: State) -> None:
    """Raise ``Refused`` while too much work waits, of one teacher or of all."""
    if state.full:
        raise Refused("UNAVAILABLE", limit=settings.MAX_QUEUED_WORK)
    if state.waiting > settings.TEACHER_QUEUED_WORK:
        raise Refused("QUEUE_FULL", limit=settings.TEACHER_QUEUED_WORK, used=state.waiting)


def check_kept(state: State) -> None:
    """Raise ``Refused`` when nothing more may be kept, or added today: before anything is stored."""
    check_share(state.kept + 1, state.most_bytes, state.kept_by_all - state.kept, 1)
    if state.files >= state.most_files:
        raise Refused("TOO_MANY_FILES_TODAY", **of_day(state.most_files, state.files))


def admit_file(owner_id: int, size: int) -> None:
    """Count a file of ``size`` bytes, whose content is recorded, in the running transaction.

    Raises ``Refused`` when it is too much; the transaction must not go on then.
    """
    kept, files, _, most_bytes, most_files, _, kept_by_others, files_of_others, _ = admit(owner_id, files=1)
    check_share(kept, most_bytes, kept_by_others, size)
    if files > most_files:
        raise Refused("TOO_MANY_FILES_TODAY", **of_day(most_files, files - 1))
    if files + files_of_others > settings.FILES_A_DAY:
        raise Refused("DAY_FULL", **of_day(settings.FILES_A_DAY, files + files_of_others - 1))


def admit_batch(owner_id: int) -> None:
    """Count a new batch in the running transaction. Raises ``Refused`` when it is one too many."""
    _, _, batches, _, _, most_batches, _, _, batches_of_others = admit(owner_id, batches=1)
    if batches > most_batches:
        raise Refused("TOO_MANY_BATCHES_TODAY", **of_day(most_batches, batches - 1))
    if batches + batches_of_others > settings.BATCHES_A_DAY:
        raise Refused("DAY_FULL", **of_day(settings.BATCHES_A_DAY, batches + batches_of_others - 1))


def admit(owner_id: int, files: int = 0, batches: int = 0) -> tuple[int, ...]:
    """Add to the day's counts; bytes, files and batches of the teacher, her limits, those of all others."""
    with connection.cursor() as cursor:
        cursor.execute(ADMIT, {"owner": owner_id, "files": files, "batches": batches, **usual_limits()})
        row: tuple[int, ...] = cursor.fetchone()
        return row


def check_share(kept: int, most: int, kept_by_others: int, added: int) -> None:
    """Raise ``Refused`` when ``kept`` bytes, ``added`` among them, are too much for her or for all."""
    if kept > most:
        raise Refused("NO_ROOM_LEFT", limit=most, used=kept - added)
    if kept + kept_by_others > settings.TOTAL_BYTES:
        raise Refused("STORAGE_FULL", limit=settings.TOTAL_BYTES, used=kept + kept_by_others - added)


def of_day(limit: int, used: int) -> dict[str, str | int]:
    """What is told of a limit that was passed today, and until when it holds."""
    return {"limit": limit, "used": used, "eases_at": next_day(database_now()).isoformat()}


def next_day(now: datetime) -> datetime:
    """When the counts of a day begin anew: at midnight, UTC."""
    tomorrow = now.astimezone(UTC) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
