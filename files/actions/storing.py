"""Content that belongs to no batch: bytes durable first, then their row."""

from uuid import uuid4

from django.core.files.base import File
from django.db import transaction

from files import content
from files.content import Stored
from files.models import StoredContent
from huleedu.api import quotas


def store_loose(owner_id: int, file: "File[bytes]") -> Stored:
    """Keep ``file`` for its owner, who may use it or not. Raises ``StorageFailed`` and ``Refused``."""
    stored = content.store(StoredContent.Kind.RAW, uuid4(), file)
    with content.discarded_when_refused(stored):
        add_loose(owner_id, stored)
    return stored


@transaction.atomic
def add_loose(owner_id: int, stored: Stored) -> None:
    """Write the row of durable bytes, and count them. Raises ``Refused``."""
    content.record(stored, owner_id, None)
    quotas.admit_file(owner_id, stored.size)
