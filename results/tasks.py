"""The work of an export: a worker makes it, stores it, and hands the outcome to one action."""

from uuid import uuid4

from django.core.files.base import File

from files import content
from files.models import StoredContent
from files.store import is_refused
from huleedu.failures.errors import Refused, StepError
from huleedu.failures.failpoints import failpoint
from huleedu.models import WorkItem
from huleedu.work.handlers import Handler
from results import dead_letters
from results.actions import exporting
from results.exports.kind import Cancelled
from results.exports.making import made

STORE_SECONDS = 60.0  # for one export; nobody waits


def export(item: WorkItem) -> None:
    """Make what ``item`` was queued for, and say how it ended. Raises ``StorageFailed``."""
    begun = exporting.begin(item)
    if begun is None:
        return
    try:
        with made(begun) as (file, left_out):
            stored = content.store(StoredContent.Kind.MADE, uuid4(), File(file), STORE_SECONDS)
        failpoint("export.after_store")
        with content.discarded_when_refused(stored):
            kept = exporting.complete(item, stored, left_out)
        if not kept:
            content.discard(stored)
    except Cancelled:
        exporting.forget(item)
    except (StepError, Refused) as error:
        exporting.fail(item, error.code)


EXPORTING = Handler(
    exporting.EXPORT,
    export,
    exporting.give_up,
    dead_letters.check,
    dead_letters.repeat,
    must_wait=is_refused,
)
