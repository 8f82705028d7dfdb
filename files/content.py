"""The content store: immutable bytes under ids, through Django's storage API."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid5

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from files.models import StoredContent
from huleedu.errors import Refused, StorageFailed

# From the disk, and from an S3-compatible store.
STORE_ERRORS = (OSError, BotoCoreError, ClientError)


@dataclass(frozen=True)
class Stored:
    """Bytes that are durable in the store; their row comes with the change that uses them."""

    id: UUID
    kind: str
    sha256: str
    size: int


def storage_name(kind: str, content_id: UUID) -> str:
    """Where the bytes lie: never anything a client named."""
    return f"{kind}/{content_id.hex[:2]}/{content_id.hex}"


def text_id(raw_storage_id: UUID, engine: str) -> UUID:
    """The id of the text that ``engine`` makes of a raw content: repeating the extraction gives the same."""
    return uuid5(raw_storage_id, f"text:{engine}")


def sha256_of(content: "File[bytes]") -> str:
    """Hex SHA-256 of the whole content; the position is back at the start afterwards."""
    digest = hashlib.sha256()
    content.seek(0)
    for chunk in content.chunks():
        digest.update(chunk)
    content.seek(0)
    return digest.hexdigest()


def store(kind: str, content_id: UUID, content: "File[bytes]") -> Stored:
    """Make ``content`` durable under ``content_id``. Raises ``StorageFailed``."""
    digest = sha256_of(content)
    try:
        default_storage.save(storage_name(kind, content_id), content)
    except STORE_ERRORS as error:
        raise StorageFailed from error
    return Stored(content_id, kind, digest, content.size)


def store_text(content_id: UUID, text: str) -> Stored:
    """Make ``text`` durable as UTF-8. Raises ``StorageFailed``."""
    return store(StoredContent.Kind.TEXT, content_id, ContentFile(text.encode()))


def discard(stored: Stored) -> None:
    """Remove bytes whose row was never written."""
    default_storage.delete(storage_name(stored.kind, stored.id))


@contextmanager
def discarded_when_refused(stored: Stored) -> Iterator[None]:
    """Remove ``stored`` when the block refuses it.

    Any other failure leaves the bytes: a connection can break after the commit it was waiting for, and then
    the rows are there. Bytes that nobody refers to are tidied away later.
    """
    try:
        yield
    except Refused:
        discard(stored)
        raise


def record(stored: Stored, owner_id: int, batch_id: UUID | None) -> None:
    """Write the row of durable bytes, in the transaction of the change that uses them."""
    row = StoredContent(
        id=stored.id,
        kind=stored.kind,
        owner_id=owner_id,
        batch_id=batch_id,
        sha256=stored.sha256,
        size=stored.size,
    )
    # One statement, also when a repeat has written the row already.
    StoredContent.objects.bulk_create([row], ignore_conflicts=True)


def read(kind: str, content_id: UUID) -> bytes:
    """The stored bytes. Raises ``StorageFailed`` when they cannot be had."""
    try:
        with default_storage.open(storage_name(kind, content_id)) as file:
            data: bytes = file.read()
            return data
    except STORE_ERRORS as error:
        raise StorageFailed from error


def read_text(content_id: UUID) -> str:
    """The stored text. Raises ``StorageFailed``."""
    return read(StoredContent.Kind.TEXT, content_id).decode()
