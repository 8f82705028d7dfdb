"""Is every stored content still what was stored? Reads everything once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from files import content
from files.damage import Damage, check_mark, examine, find_owner
from files.models import FileUpload, StoredContent
from files.store import is_unwell, reach
from huleedu.failures.errors import ContentDamaged, StorageFailed
from huleedu.outside.endpoints import Unanswered

SECONDS = 60.0  # for one content: nobody waits


@dataclass(frozen=True)
class Damaged:
    """One content that is not what was stored, and the files that use it."""

    content_id: UUID
    kind: str
    damage: Damage
    batch_id: UUID | None
    file_upload_ids: list[UUID]


def find_damage() -> Iterator[Damaged]:
    """Every damaged content, in the order of the rows. Raises ``StorageFailed`` when the store is away."""
    for row in StoredContent.objects.order_by("created_at", "pk").iterator():
        damage = damage_of(row)
        if damage is not None:
            yield Damaged(row.pk, row.kind, damage, row.batch_id, files_using(row))


def damage_of(row: StoredContent) -> Damage | None:
    """What is wrong with one content; None when it is whole. Raises ``StorageFailed``."""
    try:
        (found,) = examine([row], SECONDS)
        content.judge(row, found.damage)
    except ContentDamaged:
        return None if found.damage == "missing" and content.is_going(row) else found.damage
    except StorageFailed as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, Unanswered) or (is_unwell(cause) and not answers()):
            raise
        return "unreadable"
    return None


def answers() -> bool:
    """Whether the store is well otherwise: then one content is wrong, and the rest can be verified."""
    try:
        reach(partial(check_mark, find_owner()), SECONDS)
    except StorageFailed:
        return False
    return True


def files_using(row: StoredContent) -> list[UUID]:
    """The files whose present content this is."""
    column = "raw_storage_id" if row.kind == StoredContent.Kind.RAW else "text_storage_id"
    return list(FileUpload.objects.filter(**{column: row.pk}).values_list("pk", flat=True))
