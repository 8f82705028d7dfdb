"""Is every stored content still what was stored? Reads everything once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal
from uuid import UUID

from files import content
from files.models import FileUpload, StoredContent
from files.store import is_unwell, reach
from huleedu.endpoints import Unanswered
from huleedu.errors import ContentDamaged, StorageFailed

SECONDS = 60.0  # for one content: nobody waits


@dataclass(frozen=True)
class Damaged:
    """One content that is not what was stored, and the files that use it."""

    content_id: UUID
    kind: str
    damage: Literal["missing", "changed", "unreadable"]
    batch_id: UUID | None
    file_upload_ids: list[UUID]


def find_damage() -> Iterator[Damaged]:
    """Every damaged content, in the order of the rows. Raises ``StorageFailed`` when the store is away."""
    for row in StoredContent.objects.order_by("created_at", "pk").iterator():
        damage = damage_of(row)
        if damage is not None:
            yield Damaged(row.pk, row.kind, damage, row.batch_id, files_using(row))


def damage_of(row: StoredContent) -> Literal["missing", "changed", "unreadable"] | None:
    """What is wrong with one content; None when it is whole. Raises ``StorageFailed``."""
    try:
        damage = reach(partial(content.damage_of, row), SECONDS)
        content.judge(row, damage)
    except ContentDamaged:
        return damage
    except StorageFailed as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, Unanswered) or is_unwell(cause):
            raise
        return "unreadable"
    return None


def files_using(row: StoredContent) -> list[UUID]:
    """The files whose present content this is."""
    column = "raw_storage_id" if row.kind == StoredContent.Kind.RAW else "text_storage_id"
    return list(FileUpload.objects.filter(**{column: row.pk}).values_list("pk", flat=True))
