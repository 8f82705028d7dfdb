"""How many files a batch may hold."""

from django.conf import settings
from django.db.models import Count, Q

from batches.models import Batch
from files.models import FileUpload
from huleedu.failures.errors import Refused

PRESENT = Count("pk", filter=~Q(status=FileUpload.Status.REMOVED))


def check_room(batch: Batch) -> None:
    """Raise ``Refused("TOO_MANY_FILES")`` when the batch holds as many files as it may."""
    refuse_too_many(batch.files.aggregate(present=PRESENT)["present"])


def refuse_too_many(present: int) -> None:
    """Raise ``Refused("TOO_MANY_FILES")`` when ``present`` files are as many as a batch may hold."""
    if present >= settings.MAX_FILES_PER_BATCH:
        raise Refused("TOO_MANY_FILES", limit=settings.MAX_FILES_PER_BATCH)
