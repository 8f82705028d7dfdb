"""The content store: immutable bytes under ids, through Django's storage API, held against their SHA-256."""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import IO
from uuid import UUID

import structlog
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from files.damage import Damage, examine
from files.damage import storage_name as storage_name
from files.models import FileUpload, StoredContent
from files.steps.phrases import sample_phrases
from files.store import PIECE, reach, reach_each
from huleedu.erasure import Erasure
from huleedu.failures.errors import ContentDamaged, Refused, StorageFailed
from huleedu.postgres.kept import ONE, Kept

MARK_SECONDS = 2.0
STORED = Kept(lambda pk, kind: StoredContent.objects.filter(pk=pk, kind=kind), ONE, "kind")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Stored:
    """Bytes that are durable in the store; their row comes with the change that uses them."""

    id: UUID
    kind: str
    sha256: str
    size: int
    phrases: bytes = b""


def sha256_of(content: "File[bytes]") -> str:
    """Hex SHA-256 of the whole content; the position is back at the start afterwards."""
    digest = hashlib.sha256()
    content.seek(0)
    for chunk in content.chunks():
        digest.update(chunk)
    content.seek(0)
    return digest.hexdigest()


def store(kind: str, content_id: UUID, content: "File[bytes]", seconds: float | None = None) -> Stored:
    """Make ``content`` durable under ``content_id``, within ``seconds``. Raises ``StorageFailed``.

    Bytes of a call that was given up may still arrive, and a deletion may still be carried out: an id is
    never used for another try. Bytes without a row are tidied away.
    """
    digest, size = sha256_of(content), content.size
    reach(partial(default_storage.save, storage_name(kind, content_id), content), seconds)
    return Stored(content_id, kind, digest, size)


def store_text(content_id: UUID, text: str) -> Stored:
    """Make ``text`` durable as UTF-8. Raises ``StorageFailed``."""
    stored = store(StoredContent.Kind.TEXT, content_id, ContentFile(text.encode()))
    return replace(stored, phrases=sample_phrases(text))


def discard(stored: Stored) -> None:
    """Remove bytes whose row was never written, if the store lets; they are tidied away otherwise."""
    with suppress(StorageFailed):
        reach(partial(default_storage.delete, storage_name(stored.kind, stored.id)))


def delete(content_ids: Iterable[UUID]) -> None:
    """Delete the bytes of these contents, side by side; what is gone already is no trouble.

    Raises ``StorageFailed``.
    """
    kinds = dict(StoredContent.objects.filter(pk__in=list(content_ids)).values_list("pk", "kind"))
    names = [storage_name(kind, content_id) for content_id, kind in kinds.items()]
    reach_each([partial(default_storage.delete, name) for name in names])


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
        phrases=stored.phrases,
    )
    # One statement, also when a repeat has written the row already.
    StoredContent.objects.bulk_create([row], ignore_conflicts=True)


def read(kind: str, content_id: UUID) -> bytes:
    """The stored bytes, exactly as they were stored. Raises ``StorageFailed`` and ``ContentDamaged``."""
    row = STORED.first(content_id, kind)
    if row is None:
        raise ContentDamaged(content_id, kind, "missing")
    return read_row(row)


def read_row(row: StoredContent) -> bytes:
    """The bytes of ``row``, exactly as stored. Raises ``StorageFailed`` and ``ContentDamaged``."""
    (found,) = examine([row], keep=True)
    judge(row, found.damage)
    return found.data or b""


def copy(row: StoredContent, out: IO[bytes], seconds: float) -> None:
    """Write the bytes of ``row`` to ``out``, piece by piece. Raises ``StorageFailed`` and ``ContentDamaged``.

    For what may be larger than memory is for.
    """
    if reach(partial(copied, row, out), seconds) == row.sha256:
        return
    (found,) = examine([row])
    judge(row, found.damage)
    raise StorageFailed  # it was wrong, and is right now


def copied(row: StoredContent, out: IO[bytes]) -> str:
    """Copy, and the digest of what was copied. Calls the store, nothing else."""
    digest = hashlib.sha256()
    with suppress(FileNotFoundError), default_storage.open(storage_name(row.kind, row.pk)) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def read_text(content_id: UUID) -> str:
    """The stored text. Raises ``StorageFailed`` and ``ContentDamaged``."""
    return read(StoredContent.Kind.TEXT, content_id).decode()


def read_texts(content_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The stored texts that are whole, read side by side; one query. Raises ``StorageFailed``."""
    rows = list(StoredContent.objects.filter(pk__in=list(content_ids), kind=StoredContent.Kind.TEXT))
    texts = {}
    for row, found in zip(rows, examine(rows, keep=True), strict=True):
        with suppress(ContentDamaged):
            judge(row, found.damage)
            texts[row.pk] = (found.data or b"").decode()
    return texts


def check(kind: str, content_ids: Iterable[UUID]) -> list[ContentDamaged]:
    """What is damaged among these contents, read side by side. Raises ``StorageFailed``."""
    wanted = list(content_ids)
    rows = list(StoredContent.objects.filter(pk__in=wanted, kind=kind))
    known = {row.pk for row in rows}
    damaged = [ContentDamaged(each, kind, "missing") for each in wanted if each not in known]
    for row, found in zip(rows, examine(rows), strict=True):
        try:
            judge(row, found.damage)
        except ContentDamaged as error:
            damaged.append(error)
    return damaged


def check_one(kind: str, content_id: UUID) -> None:
    """Make sure that the content is there and right. Raises ``StorageFailed`` and ``ContentDamaged``."""
    for damaged in check(kind, [content_id]):
        raise damaged


def judge(row: StoredContent, damage: Damage | None) -> None:
    """Remember what was found of ``row``. Raises ``ContentDamaged`` when it is damaged, or being erased."""
    if damage is None:
        if row.damaged_at is not None:
            mark(row, damaged=False)
        return
    if damage == "missing" and is_going(row):
        raise ContentDamaged(row.pk, row.kind, damage)
    log.error(
        "content.damaged", content_id=str(row.pk), kind=row.kind, batch_id=str(row.batch_id), damage=damage
    )
    mark(row, damaged=True)
    raise ContentDamaged(row.pk, row.kind, damage)


def is_going(row: StoredContent) -> bool:
    """Whether ``row`` was erased, or somebody is erasing what it belongs to: its bytes go before it does."""
    if not StoredContent.objects.filter(pk=row.pk).exists():
        return True
    begun = Erasure.objects.open().filter(begun_at__isnull=False)
    users = FileUpload.objects.filter(Q(raw_storage_id=row.pk) | Q(text_storage_id=row.pk))
    of_batch = Q(kind=Erasure.Kind.BATCH, batch_id=row.batch_id)
    of_file = Q(kind=Erasure.Kind.FILE, file_upload_id__in=users.values("pk"))
    return begun.filter(of_batch | of_file).exists()


def mark(row: StoredContent, damaged: bool) -> None:
    """Write down that ``row`` is damaged or whole, also when the running transaction will be rolled back."""
    if not connection.in_atomic_block:
        write_mark(row.pk, damaged)
        return

    def apart() -> None:
        try:
            write_mark(row.pk, damaged)
        finally:
            connection.close()

    thread = threading.Thread(target=apart, name="damage", daemon=True)
    thread.start()
    thread.join(MARK_SECONDS)


def write_mark(content_id: UUID, damaged: bool) -> None:
    """Mark the row as damaged, since when it first was found, or as whole."""
    rows = StoredContent.objects.filter(pk=content_id, damaged_at__isnull=damaged)
    rows.update(damaged_at=Now() if damaged else None)
