"""Regular tidying: what crashes and age leave behind. Every run is bounded; the next one goes on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, connection, models, transaction
from django.db.models import Q

from batches.actions import binning
from files.damage import storage_name
from files.models import FileUpload, StoredContent
from files.storage import TEMPORARY_SUFFIX
from files.store import reach
from huleedu.accounts.doors import FAMILIAR, FORGOTTEN
from huleedu.erasure import Erasure
from huleedu.fit.fitting import REFUSED, REFUSED_SECONDS
from huleedu.fit.store_mark import is_ours
from huleedu.forgetting import erasing
from huleedu.machine.temporary import clear
from huleedu.models import (
    ConsumedEvent,
    FamiliarPlace,
    IdempotencyRecord,
    RelayPresence,
    Session,
    SignInTally,
    WorkItem,
)
from huleedu.postgres.clock import database_now
from huleedu.security.security_log import summarise
from huleedu.security_events import SecurityEvent
from huleedu.watching.health import PROBE_FOLDER
from results.actions import ending_exports

INTERVAL_SECONDS = 1200.0
FIRST_SECONDS = 60.0  # after a relay's start
# Bytes without a row are younger than this while an upload may still run; with the interval, under an hour.
UNFINISHED = timedelta(minutes=30)
IDEMPOTENCY_LIFETIME = timedelta(hours=24)
CONSUMED_LIFETIME = timedelta(days=30)
PRESENCE_LIFETIME = timedelta(minutes=10)
EXAMINED_FILES = 20_000  # of the content store, per run
ASKED_FILES = 1_000  # ids in one question to the database
ENDED_BATCHES = 500  # put into the bin, per run
ENDED_EXPORTS = 1_000  # per run
LATE = timedelta(minutes=5)  # an erasure that nobody has begun with
DELETED_ROWS = 10_000  # of each table, per run
Row = TypeVar("Row", bound=models.Model)
MANY_ROWS = 100_000  # more than all who guess can make in between: each row costs them a look at a password
TIDY_LOCK = 0x54494459
FOLDERS = 256
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tidied:
    """How much of each was removed."""

    orphans: int
    unfinished: int
    idempotency_records: int
    consumed_events: int
    presences: int
    sessions: int
    temporary_files: int
    loose_contents: int = 0
    sign_in_tallies: int = 0
    familiar_places: int = 0
    late_erasures: int = 0
    ended_batches: int = 0
    ended_exports: int = 0
    security_events: int = 0


def tidy() -> Tidied | None:
    """Remove what is left over; None when another process is at it."""
    with alone() as mine:
        if not mine:
            return None
        tidied = tidy_everything(database_now())
    log.info("maintenance.ended", status="done", **vars(tidied))
    return tidied


@contextmanager
def alone() -> Iterator[bool]:
    """True within the block when no other process tidies.

    The lock is the session's: a transaction would be ended while a slow store is listed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [TIDY_LOCK])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [TIDY_LOCK])


def tidy_everything(now: datetime) -> Tidied:
    """Tidy files and rows as of ``now``; the caller holds the lock."""
    summarise()
    unkept = now - timedelta(seconds=settings.SECURITY_LOG_SECONDS)
    loose_contents = end_loose_contents(now)  # first: then their bytes are orphans
    # In another installation's store every file would be an orphan.
    orphans, unfinished = tidy_store(now) if is_ours() else (0, 0)
    return Tidied(
        orphans=orphans,
        unfinished=unfinished,
        idempotency_records=delete_some(IdempotencyRecord, created_at__lt=now - IDEMPOTENCY_LIFETIME),
        consumed_events=delete_some(ConsumedEvent, consumed_at__lt=now - CONSUMED_LIFETIME),
        presences=forget_presences(now),
        sessions=delete_some(Session, expire_date__lt=now),
        loose_contents=loose_contents,
        sign_in_tallies=delete_some(SignInTally, MANY_ROWS, failed_at__lt=now - FORGOTTEN),
        familiar_places=delete_some(FamiliarPlace, seen_at__lt=now - FAMILIAR),
        security_events=delete_some(SecurityEvent, MANY_ROWS, at__lt=unkept),
        temporary_files=clear(settings.VAR_DIR),
        late_erasures=queue_late(now),
        ended_batches=binning.end_due(ENDED_BATCHES),
        ended_exports=ending_exports.end_due(ENDED_EXPORTS),
    )


def end_loose_contents(now: datetime) -> int:
    """Forget content that was stored without a batch and that no file has come to use; returns how much."""
    old = now - timedelta(seconds=settings.LOOSE_CONTENT_SECONDS)
    loose = StoredContent.objects.filter(batch=None, created_at__lt=old).order_by("created_at")
    ids = set(loose.values_list("pk", flat=True)[:DELETED_ROWS])
    if not ids:
        return 0
    used = FileUpload.objects.filter(Q(raw_storage_id__in=ids) | Q(text_storage_id__in=ids))
    for pair in used.values_list("raw_storage_id", "text_storage_id"):
        ids.difference_update(pair)
    return StoredContent.objects.filter(pk__in=ids, batch=None).delete()[0]


def queue_late(now: datetime) -> int:
    """Queue erasures again whose timer or work was lost; returns how many."""
    queued = WorkItem.objects.filter(step=erasing.STEP).values("subject_id")
    late = Erasure.objects.open().filter(due_at__lt=now - LATE).exclude(pk__in=queued).order_by("due_at")
    ids = list(late.values_list("pk", flat=True)[:DELETED_ROWS])
    for erasure_id in ids:
        with transaction.atomic():
            erasing.queue(erasure_id)
    return len(ids)


def delete_some(model: type[models.Model], most: int | None = None, **old: datetime) -> int:
    """Delete at most ``most`` rows that match, ``DELETED_ROWS`` unless said; returns how many."""
    return delete_rows(model._default_manager.filter(**old), most or DELETED_ROWS)


def delete_rows(rows: "models.QuerySet[Row]", most: int) -> int:
    """Delete at most ``most`` of ``rows``; returns how many."""
    return rows.model._default_manager.filter(pk__in=rows.values("pk")[:most]).delete()[0]


def forget_presences(now: datetime) -> int:
    """Forget processes that are gone, and much later those that never started; returns how many."""
    gone = ~Q(role=REFUSED) & Q(seen_at__lt=now - PRESENCE_LIFETIME)
    given_up = Q(role=REFUSED, seen_at__lt=now - timedelta(seconds=REFUSED_SECONDS))
    return delete_rows(RelayPresence.objects.filter(gone | given_up), DELETED_ROWS)


def tidy_store(now: datetime) -> tuple[int, int]:
    """Remove stored bytes without a row and partly written files; returns how many of each."""
    orphans = unfinished = 0
    for paths in piles(now):
        partly = [path for path in paths if is_unfinished(path)]
        unfinished += delete_old(partly, now)
        orphans += delete_old(find_orphans(paths), now)
    return orphans, unfinished


def piles(now: datetime) -> Iterator[list[str]]:
    """The paths to examine in one run, as many at a time as one question to the database is for."""
    pile: list[str] = []
    examined = 0
    for folder in folders(now):
        pile += [f"{folder}/{name}" for name in list_files(folder)]
        if len(pile) >= min(ASKED_FILES, EXAMINED_FILES - examined):
            yield pile
            examined, pile = examined + len(pile), []
        if examined >= EXAMINED_FILES:
            return
    yield pile


def folders(now: datetime) -> Iterator[str]:
    """All folders of the store, each time from another one on, so that a large store gets its turn."""
    yield PROBE_FOLDER
    first = int(now.timestamp() // INTERVAL_SECONDS * 32) % FOLDERS
    for number in range(FOLDERS):
        for kind in StoredContent.Kind.values:
            yield f"{kind}/{(first + number) % FOLDERS:02x}"


def list_files(folder: str) -> list[str]:
    """The names in one folder of the store; none when there is no such folder. Raises ``StorageFailed``."""

    def listed() -> list[str]:
        with suppress(FileNotFoundError, NotADirectoryError):
            return list(default_storage.listdir(folder)[1])
        return []

    return reach(listed)


def is_unfinished(path: str) -> bool:
    """True for a file that only exists while it is written, or while the store is probed."""
    return path.startswith(f"{PROBE_FOLDER}/") or path.endswith(TEMPORARY_SUFFIX)


def find_orphans(paths: list[str]) -> list[str]:
    """Those of ``paths`` whose id has no row."""
    by_path = {path: content_id for path in paths if (content_id := as_id(path.rpartition("/")[2]))}
    ids = set(by_path.values())
    known = set(StoredContent.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    return [path for path, content_id in by_path.items() if content_id not in known]


def as_id(name: str) -> UUID | None:
    """The content id that a stored file is named after, or None for other files."""
    try:
        content_id = UUID(hex=name)
    except ValueError:
        return None
    return content_id if storage_name("", content_id).endswith(name) else None


def delete_old(paths: list[str], now: datetime) -> int:
    """Delete those that were written long enough ago; returns how many. Raises ``StorageFailed``."""
    return sum(reach(partial(delete_if_old, path, now)) for path in paths)


def delete_if_old(path: str, now: datetime) -> bool:
    """Delete what lies at ``path`` if it was written long enough ago; True when it was there and is not."""
    with suppress(FileNotFoundError):
        if default_storage.get_modified_time(path) < now - UNFINISHED:
            default_storage.delete(path)
            return True
    return False


def tidy_in_background() -> None:
    """Tidy in a thread of its own, so that a relay goes on relaying."""
    threading.Thread(target=tidy_quietly, name="tidy", daemon=True).start()


def tidy_quietly() -> None:
    """Tidy; a failure is logged and left to the next hour."""
    started = time.monotonic()
    try:
        tidy()
    except Exception:
        log.exception("maintenance.failed", status="error", seconds=round(time.monotonic() - started, 1))
    finally:
        connection.close()
