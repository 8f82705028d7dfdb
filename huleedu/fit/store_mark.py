"""The mark that the content store carries: the identity of the installation whose bytes it holds.

A folder of the same path on another machine's disk has none, a store of another installation has another.
Bytes would be put where nobody looks for them, and tidying would take another installation's for orphans.
"""

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from files.mark import NAME as NAME
from files.mark import find_mark
from files.store import reach
from huleedu.failures.errors import StorageFailed, Unfit
from huleedu.fit.installation import current
from huleedu.logs import describe
from huleedu.models import Installation

MARK_SECONDS = 5.0  # for one call; a process that starts waits so long for a store that hangs
MARK_LOCK = 0x4D41524B
OURS, UNSEEN = "ours", "unseen"
REMEDY = (
    "Give this process the store of the others: the folder HULEEDU_STORAGE on a disk that all machines "
    "share, or the bucket HULEEDU_S3_BUCKET. If the content was moved here, run: "
    "python manage.py check_installation --adopt"
)
log = structlog.get_logger(__name__)


def check_store() -> str:
    """``OURS``; ``UNSEEN`` when the store does not answer now. Raises Unfit when it is another one."""
    return judge(current())


def judge(row: Installation) -> str:
    """What the store is to the installation of ``row``; as ``check_store``."""
    try:
        found = read_mark()
    except Exception as error:  # whatever a backend raises
        log.warning("store.unseen", error=describe(error.__cause__ or error))
        return UNSEEN
    if found is None and row.store_marked:
        raise Unfit(f"The content store is not the installation's: its mark {NAME!r} is missing. {REMEDY}")
    if found is not None and found != str(row.identity):
        raise Unfit(f"The content store belongs to another installation, with another database. {REMEDY}")
    return OURS


def is_ours() -> bool:
    """Whether the store is known to be this installation's at this moment."""
    try:
        return check_store() == OURS
    except Unfit as error:
        log.error("store.another", status="error", reason=str(error))
        return False


def claim_store() -> str:
    """As ``check_store``, and a store that nothing is known of becomes the installation's."""
    row = current()
    if not connection.in_atomic_block:
        connection.close()  # others of the pool need it more than a process that waits for the store
    state = judge(row)
    if state == UNSEEN or row.store_marked:
        return state
    try:
        mark_store()
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.warning("store.unseen", error=describe(error.__cause__ or error))
        return UNSEEN
    return check_store()


@transaction.atomic
def mark_store(*, adopt: bool = False) -> None:
    """Mark the store, unless another process has just marked one.

    Raises ``StorageFailed``, also when another process is at it for longer than the store may take.
    """
    wait_for_turn()
    row = current()
    if row.store_marked and not adopt:
        return
    if adopt or read_mark() != str(row.identity):  # whatever is there
        save = default_storage.save
        reach(lambda: save(NAME, ContentFile(f"{row.identity}\n".encode())), MARK_SECONDS)
    Installation.objects.filter(pk=row.pk).update(store_marked=True)
    log.info("store.marked", status="done")


def wait_for_turn() -> None:
    """Let only this transaction mark a store from now on. Raises ``StorageFailed``.

    The row's lock would be waited for by every process that is held against the key.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{2 * MARK_SECONDS * 1000:.0f}"])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MARK_LOCK])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise StorageFailed from error
            raise


def read_mark() -> str | None:
    """What the mark says, None when there is none. Raises ``StorageFailed`` without an answer in time."""
    # Loaded here: a thread that is left behind at a fork must not be amid an import.
    _ = default_storage.open
    return reach(find_mark, MARK_SECONDS)
