"""Queued work: fair order, leases that end with their worker, retries with backoff, dead letters.

The row is the queue. A django-q2 task is only a token that wakes one worker: it runs the most deserving rows
until none is left, so order can change after queueing and a lost token costs nothing.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django_q.signing import SignedPackage

from huleedu.events.outbox import is_gathering
from huleedu.failures.errors import Refused
from huleedu.failures.failpoints import failpoint
from huleedu.failures.outages import is_outage, patience
from huleedu.logs import bound, describe
from huleedu.models import DeadLetter, WorkItem
from huleedu.postgres.prepared import prepared_cursor
from huleedu.postgres.presence import Presence, process_name
from huleedu.work.broker import channel_of
from huleedu.work.handlers import HANDLERS, Handler
from huleedu.work.leaving import in_hand
from huleedu.work.seats import SEATS, choosing, for_one_phase

STEPS_CLUSTER = "steps"
RUN_QUEUED = "huleedu.steps.work_next"
SLOW = "slow"  # the seat of whoever does work that is known to take long
TOKENS = 2 * settings.STEP_WORKERS  # enough to wake every worker; more would only pile up
LEASE_CLASS = 0x48554C45  # advisory lock class: one session lock per running item
# What one item of a flow (an owner at one priority) puts its next one back by.
PACE_MILLISECONDS = {"HIGH": 250, "NORMAL": 1_000, "LOW": 4_000}
BACKOFF_SECONDS = 0.5
BACKOFF_LIMIT_SECONDS = 60.0
LEASE_MARGIN_SECONDS = 30
LOCK_MILLISECONDS = 2_000  # work on a batch that somebody else holds longer is tried later
DEADLY = 2  # workers that died on an item; no third shall
COUNT_SECONDS = 0.5  # in which a guard has counted a death
WORKER = Presence("worker")
log = structlog.get_logger(__name__)

# A virtual clock for each flow: an item's time is one pace after its flow's last, and never in the past. The
# one with the earliest time is next: little work goes before much, and nothing waits for ever, because times
# stand while the clock goes on. (L. Zhang, VirtualClock, SIGCOMM 1990.)
ENQUEUE = """
INSERT INTO huleedu_workitem (step, subject_id, revision, batch_id, owner_id, file_upload_id,
  correlation_id, priority, rank, state, max_retries, timeout_seconds, attempts, first_error)
VALUES (%(step)s::text, %(subject_id)s, %(revision)s, %(batch_id)s, %(owner_id)s,
  %(file_upload_id)s, %(correlation_id)s, %(priority)s::text,
  greatest(
    (SELECT max(rank) FROM huleedu_workitem
     WHERE step = %(step)s::text AND owner_id = %(owner_id)s AND priority = %(priority)s::text),
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint) + %(pace)s,
  'queued', %(max_retries)s, %(timeout_seconds)s, 0, '')
ON CONFLICT (step, subject_id, revision) DO NOTHING
"""
# The lock is the attempt's own: a successor does not wait for a worker that hangs on the attempt before.
LEASE_IDS, LEASE_ATTEMPTS = 2**26, 2**5
LEASE_PARAMETERS = {
    "margin": LEASE_MARGIN_SECONDS,
    "lease": LEASE_CLASS,
    "ids": LEASE_IDS,
    "tries": LEASE_ATTEMPTS,
}
LEASE_KEY = "(mod(id, %(ids)s) * %(tries)s + mod(attempts, %(tries)s))::int"
# Of one step; the next in line is asked for only where this one gives nothing.
NEXT_OF_STEP = """
(SELECT id FROM huleedu_workitem
 WHERE step = %(step_{place})s AND state = 'queued' AND (attempts = 0 OR due_at <= now())
   AND (NOT slow OR %(slow)s)
 ORDER BY rank, id LIMIT 1 FOR UPDATE SKIP LOCKED)"""
# How long locks are waited for stays with the session: it does nothing but such work.
CLAIM = f"""
WITH taken AS (
  UPDATE huleedu_workitem
  SET state = 'running', leased_at = now(), attempts = attempts + 1,
      former_worker = worker, worker = %(worker)s
  WHERE id = coalesce({{items}})
  RETURNING *)
SELECT {", ".join(f"taken.{field.column}" for field in WorkItem._meta.concrete_fields)},
  pg_advisory_lock(%(lease)s, {LEASE_KEY}), set_config('lock_timeout', '{LOCK_MILLISECONDS}', false)
FROM taken
"""  # noqa: S608
COLUMNS = [field.attname for field in WorkItem._meta.concrete_fields]
# The lease ends a moment before the row's end is committed. Where that is undone, the relay puts it back.
FINISH = f"""
WITH done AS (
  DELETE FROM huleedu_workitem WHERE id = %(id)s AND attempts = %(attempts)s AND state = 'running'
  RETURNING id, attempts)
SELECT pg_advisory_unlock(%(lease)s, {LEASE_KEY}) FROM done
"""  # noqa: S608
RELEASE = "SELECT pg_advisory_unlock(%s, %s), set_config('lock_timeout', '0', false)"
RELEASE_ABANDONED = f"""
UPDATE huleedu_workitem SET state = 'queued', leased_at = NULL
WHERE id IN (
  SELECT id FROM huleedu_workitem
  WHERE state = 'running'
    AND (leased_at < now() - make_interval(secs => timeout_seconds + %(margin)s)
         OR NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
                        AND classid = %(lease)s
                        AND objid = {LEASE_KEY}
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
  FOR UPDATE SKIP LOCKED)
RETURNING id
"""  # noqa: S608
# A token that is lost is made again, so the commit waits for no disk.
MISSING = """
SELECT (SELECT count(*) FROM (SELECT FROM huleedu_workitem
                              WHERE state = 'queued' AND (attempts = 0 OR due_at <= now())
                              LIMIT %(tokens)s) AS due)
       - (SELECT count(*) FROM django_q_ormq WHERE key = %(cluster)s AND lock <= now())
"""
MAKE_TOKENS = f"""
WITH made AS (
  INSERT INTO django_q_ormq (key, payload, lock)
  SELECT %(cluster)s, %(token)s, now() FROM generate_series(1, ({MISSING})) RETURNING id)
SELECT pg_notify(%(channel)s, ''), set_config('synchronous_commit', 'off', true)
WHERE EXISTS (SELECT FROM made)
"""  # noqa: S608
TOKEN_PARAMETERS: dict[str, int | str] = {"tokens": TOKENS, "cluster": STEPS_CLUSTER}


class Superseded(Exception):
    """Another attempt has taken the item over."""


class TooSlow(Exception):
    """The work needs longer than a first try may hold a worker; it is tried again among the slow."""


class WorkersDied(Exception):
    """Workers that took an item died on it, and no other one shall."""


@dataclass(frozen=True)
class WorkOrder:
    """What to queue: the name of a handler, on which subject, for whom.

    The subject is the id of any row; batch and file are those it belongs to, if there are any. It takes its
    owner's turn at ``priority``.
    """

    step: str
    subject_id: UUID
    owner_id: int
    correlation_id: UUID
    revision: int = 0
    batch_id: UUID | None = None
    file_upload_id: UUID | None = None
    priority: str = "NORMAL"
    max_retries: int = 3
    timeout_seconds: int = 60


def enqueue(order: WorkOrder) -> None:
    """Queue ``order`` in the running transaction; the same subject and revision is queued once.

    Raises ``ImproperlyConfigured`` for work that no handler does.
    """
    known = {"step": HANDLERS[order.step].name, "pace": PACE_MILLISECONDS[order.priority]}
    with prepared_cursor() as cursor:
        cursor.execute(ENQUEUE, asdict(order) | known)
    # Once and after the transaction: whoever takes a token that waits by then sees the row. What a change has
    # told wakes the relay, which looks after that.
    if not is_gathering() and not any(
        callback is wake_workers for _, callback, *_ in connection.run_on_commit
    ):
        transaction.on_commit(wake_workers, robust=True)


def wake_workers() -> None:
    """Give tokens to due work. The work is committed: a failure costs only the relay's next look after it."""
    try:
        put_missing_tokens()
    except (DatabaseError, InterfaceError):
        log.warning("workers.wake.failed")


def put_missing_tokens() -> None:
    """Make as many tokens as due work needs and nobody has taken yet, and wake the workers.

    A worker that dies, or loses the database, loses the tokens it had; they are made again here.
    """
    with prepared_cursor() as cursor:
        channel = channel_of(STEPS_CLUSTER)
        cursor.execute(MAKE_TOKENS, {**TOKEN_PARAMETERS, "token": token(), "channel": channel})


@cache
def token() -> str:
    """What wakes one worker, as django-q2 packs a task."""
    name, started = uuid4().hex, timezone.now()
    task = {"func": RUN_QUEUED, "args": (), "kwargs": {}, "cluster": STEPS_CLUSTER, "ack_failure": True}
    packed: str = SignedPackage.dumps({**task, "id": name, "name": name, "started": started})
    return packed


@contextmanager
def claimed(*steps: str) -> Iterator[WorkItem | None]:
    """The most deserving queued item of the first of ``steps`` that has one, leased until the block ends.

    None if there is none, or if all workers but one do these steps already: whoever ends one takes the next.
    The lease is a session lock, so it ends with the process however the process ends.
    """
    with ExitStack() as seats, in_hand(lambda: claim_seated(steps, seats)) as item, leased(item):
        yield item


def claim_seated(steps: Sequence[str], seats: ExitStack) -> WorkItem | None:
    """Claim an item of one of ``steps`` and keep its seat, and that of the slow for a slow one."""
    with choosing({SLOW: 1, **dict.fromkeys(steps, for_one_phase())}) as places:
        free = [step for step in steps if step in places]
        item = claim(free, slow=SLOW in places) if free else None
        if item is not None:
            for kind in [item.step, SLOW] if item.slow else [item.step]:
                seats.callback(SEATS.leave, places.pop(kind))
    return item


def claim(steps: Sequence[str], *, slow: bool) -> WorkItem | None:
    """Take the most deserving queued item of the first of ``steps`` that has one; a slow one if ``slow``."""
    named = {f"step_{place}": step for place, step in enumerate(steps)}
    items = ", ".join(NEXT_OF_STEP.format(place=place) for place in range(len(steps)))
    worker = {"worker": process_name(WORKER.role)}
    parameters: dict[str, int | str] = {**LEASE_PARAMETERS, **named, **worker, "slow": slow}
    with prepared_cursor() as cursor:
        cursor.execute(CLAIM.format(items=items), parameters)
        row = cursor.fetchone()
    return WorkItem.from_db(connection.alias, COLUMNS, row[: len(COLUMNS)]) if row else None


@contextmanager
def leased(item: WorkItem | None) -> Iterator[None]:
    """Gives the lease of a claimed item back when the block ends, if it did not end with its row."""
    if item is None:
        yield
        return
    try:
        WORKER.beat()
        yield
        WORKER.beat()
    finally:
        if not item.is_finished:
            with connection.cursor() as cursor:
                cursor.execute(RELEASE, [LEASE_CLASS, lease_key(item)])


def run_next(*handlers: Handler) -> Handler | None:
    """Run the next queued item of the first of ``handlers`` that has one; whose it was, or None.

    One that must wait takes nothing meanwhile.
    """
    able = {handler.name: handler for handler in handlers if not handler.must_wait()}
    if not able:
        WORKER.beat()  # it takes nothing, and lives all the same
        return None
    with claimed(*able) as item:
        if item is None:
            return None
        run(item, able[item.step])
        return able[item.step]


def lease_key(item: WorkItem) -> int:
    """The advisory lock of this attempt at ``item``."""
    return item.pk % LEASE_IDS * LEASE_ATTEMPTS + item.attempts % LEASE_ATTEMPTS


def run(item: WorkItem, handler: Handler) -> None:
    """Run the claimed ``item``; a failure that is not the input's is tried again, then given up.

    An item that two workers died on, or whose tries all ended so, is given up without another.
    """
    started = time.monotonic()
    with bound(**log_keys(item)):
        try:
            if deaths(item) >= DEADLY or item.attempts > item.max_retries + 1:
                raise WorkersDied
            handler.run(item)
            failpoint("step.after_effect")
            status = "done"
        except TooSlow:
            status = "slow"
            set_aside(item)
        except Exception as error:
            status = settle(item, error, handler.give_up)
        log.info("step.ended", status=status, duration_ms=round((time.monotonic() - started) * 1000))


def settle(item: WorkItem, error: Exception, give_up: Callable[[WorkItem], None]) -> str:
    """Put failed work back, bury it, or forget it with what it was about; how it ended, in a word."""
    if is_erased(error):
        finish(item)
        return "erased"
    log.warning("step.error", status="error", error=describe(error), attempt=item.attempts)
    if is_outage(error):
        wait_for_end(item, describe(error))
        return "error"
    try:
        hopeless = isinstance(error, WorkersDied)
        fail(item, describe(error), lambda: give_up(item), hopeless=hopeless)
    except Refused as refusal:
        if not is_erased(refusal):
            raise
        finish(item)
    except DatabaseError as held:
        # Such as a batch that somebody holds: it is given up when that is over, for what went wrong first.
        if not is_outage(held):
            raise
        wait_for_end(item, describe(error))
    return "error"


def is_erased(error: Exception) -> bool:
    """True when what the work is about was erased meanwhile: there is nothing left to do."""
    return isinstance(error, Refused) and error.code == "ERASED"


def deaths(item: WorkItem) -> int:
    """How many workers died on ``item``; waits a moment for a guard's word about one that just left it."""
    if item.former_worker:
        time.sleep(COUNT_SECONDS)
        item.refresh_from_db(fields=["deaths"])
    return item.deaths


def log_keys(item: WorkItem) -> dict[str, object]:
    """What every log line about ``item`` says; work on an essay has the essay as its subject."""
    keys = {
        "corr_id": item.correlation_id,
        "batch_id": item.batch_id,
        "file_upload_id": item.file_upload_id,
        "phase": item.step,
    }
    if item.file_upload_id not in {None, item.subject_id}:
        keys["essay_id"] = item.subject_id
    return {key: value for key, value in keys.items() if value is not None}


def finish(item: WorkItem) -> bool:
    """Remove ``item`` in the transaction of its effect; False when another attempt has taken it over.

    The row lock decides between a late worker and the one that replaced it.
    """
    parameters = {**LEASE_PARAMETERS, "id": item.pk, "attempts": item.attempts}
    with prepared_cursor() as cursor:
        cursor.execute(FINISH, parameters)
        if cursor.rowcount < 1:
            return False
    transaction.on_commit(item.finished)
    return True


def backoff(attempts: int) -> timedelta:
    """Exponential wait with full jitter after ``attempts`` tries, at most a minute."""
    ceiling = min(BACKOFF_LIMIT_SECONDS, BACKOFF_SECONDS * 2**attempts)
    return timedelta(seconds=random.uniform(ceiling / 2, ceiling))  # noqa: S311


def fail(item: WorkItem, error: str, exhausted: Callable[[], None], *, hopeless: bool = False) -> None:
    """Put ``item`` back with backoff; if ``hopeless`` or after its last retry bury it and call ``exhausted``.

    ``error`` names the exception's class and place, never text of the essay.
    """
    with transaction.atomic():
        if item.attempts <= item.max_retries and not hopeless:
            put_back(item, error, backoff(item.attempts))
            return
    with suppress(Superseded), transaction.atomic():
        # Locks the batch, which everybody locks before the item.
        exhausted()
        if not finish(item):
            raise Superseded
        bury(item, error)


def wait_for_end(item: WorkItem, error: str) -> None:
    """Put ``item`` back until an outage is over; the try does not count."""
    wait = patience(backoff(min(item.attempts, 3)), item.first_failed_at)
    put_back(item, error, wait, max_retries=item.max_retries + 1)


def set_aside(item: WorkItem) -> None:
    """Queue ``item`` again among the slow, of which one worker does one at a time; the try does not count."""
    WorkItem.objects.filter(pk=item.pk, attempts=item.attempts).update(
        state=WorkItem.State.QUEUED,
        leased_at=None,
        worker="",
        due_at=Now(),
        slow=True,
        max_retries=item.max_retries + 1,
    )


def put_back(item: WorkItem, error: str, wait: timedelta, **changes: int) -> None:
    """Queue ``item`` again after ``wait``, unless another attempt has taken it over."""
    WorkItem.objects.filter(pk=item.pk, attempts=item.attempts).update(
        state=WorkItem.State.QUEUED,
        leased_at=None,
        worker="",
        due_at=Now() + wait,
        first_error=item.first_error or error,
        first_failed_at=item.first_failed_at or Now(),
        **changes,
    )


def bury(item: WorkItem, error: str) -> None:
    """Keep what is known of a piece of work that failed for good."""
    DeadLetter.objects.create(
        kind=DeadLetter.Kind.WORK,
        event_type=item.step,
        batch_id=item.batch_id,
        file_upload_id=item.file_upload_id,
        correlation_id=item.correlation_id,
        envelope={"step": item.step, "subject_id": str(item.subject_id), "revision": item.revision},
        consumer=item.step,
        attempts=item.attempts,
        first_error=item.first_error or error,
        last_error=error,
        first_failed_at=item.first_failed_at or Now(),
    )
    log.error("work.dead", status="dead", **{key: str(value) for key, value in log_keys(item).items()})


def tend() -> None:
    """Take back work of dead workers and give tokens to work that waits without one."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_ABANDONED, LEASE_PARAMETERS)
        abandoned = cursor.rowcount
    put_missing_tokens()
    if abandoned:
        log.warning("work.abandoned", count=abandoned)
