"""The mark that the content store carries: the identity of the installation whose bytes it holds.

A folder of the same path on another machine's disk has none, a store of another installation has another.
Bytes would be put where nobody looks for them, and tidying would take another installation's for orphans.
"""

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, transaction

from huleedu.errors import Unfit
from huleedu.installation import current, locked
from huleedu.logs import describe
from huleedu.models import Installation

NAME = "installation"
OURS, UNSEEN = "ours", "unseen"
REMEDY = (
    "Give this process the store of the others: the folder HULEEDU_STORAGE on a disk that all machines "
    "share, or the bucket HULEEDU_S3_BUCKET. If the content was moved here, run: "
    "python manage.py check_installation --adopt"
)
log = structlog.get_logger(__name__)


def check_store() -> str:
    """``OURS``; ``UNSEEN`` when the store does not answer now. Raises Unfit when it is another one."""
    row = current()
    try:
        found = read_mark()
    except Exception as error:  # whatever a backend raises
        log.warning("store.unseen", error=describe(error))
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
    state = check_store()
    if state == UNSEEN or current().store_marked:
        return state
    try:
        mark_store()
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.warning("store.unseen", error=describe(error))
        return UNSEEN
    return check_store()


@transaction.atomic
def mark_store(*, adopt: bool = False) -> None:
    """Mark the store, unless another process has just marked one. Raises what the store raises."""
    row: Installation = locked()
    if row.store_marked and not adopt:
        return
    if read_mark() != str(row.identity):
        default_storage.save(NAME, ContentFile(f"{row.identity}\n".encode()))
    row.store_marked = True
    row.save()
    log.info("store.marked", status="done")


def read_mark() -> str | None:
    """What the mark says, None when there is none. Raises whatever the store raises."""
    try:
        with default_storage.open(NAME) as file:
            return str(file.read(64).decode(errors="replace")).strip()
    except FileNotFoundError:
        return None
