"""Is every stored content still what was stored? Reads everything once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.core.files.storage import default_storage

from files.content import STORE_ERRORS, storage_name
from files.models import FileUpload, StoredContent

Damage = Literal["missing", "changed", "unreadable"]


@dataclass(frozen=True)
class Damaged:
    """One content that is not what was stored, and the files that use it."""

    content_id: UUID
    kind: str
    damage: Damage
    batch_id: UUID | None
    file_upload_ids: list[UUID]


def find_damage() -> Iterator[Damaged]:
    """Every damaged content, in the order of the rows."""
    for row in StoredContent.objects.order_by("created_at", "pk").iterator():
        damage = damage_of(row)
        if damage is not None:
            yield Damaged(row.pk, row.kind, damage, row.batch_id, files_using(row))


def damage_of(row: StoredContent) -> Damage | None:
    """What is wrong with one content; None when it is whole."""
    name = storage_name(row.kind, row.pk)
    digest = hashlib.sha256()
    try:
        if not default_storage.exists(name):
            return "missing"
        with default_storage.open(name) as file:
            for chunk in file.chunks():
                digest.update(chunk)
    except FileNotFoundError:
        return "missing"
    except STORE_ERRORS:
        return "unreadable"
    return None if digest.hexdigest() == row.sha256 else "changed"


def files_using(row: StoredContent) -> list[UUID]:
    """The files whose present content this is."""
    column = "raw_storage_id" if row.kind == StoredContent.Kind.RAW else "text_storage_id"
    return list(FileUpload.objects.filter(**{column: row.pk}).values_list("pk", flat=True))
