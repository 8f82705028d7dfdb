"""Many contents carried out of the store, or into it, side by side: for backups. Bounded in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from files.damage import examine, storage_name
from files.models import StoredContent
from files.store import THREADS, reach, reach_each

SECONDS = 60.0  # for one content, and all that are at it beside: nobody waits
PORTION_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Wanted:
    """A content as its row tells of it."""

    id: UUID
    kind: str
    sha256: str
    size: int


def portions(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """As many as are carried at once."""
    portion: list[Wanted] = []
    for each in wanted:
        if portion and (
            len(portion) == THREADS or sum(one.size for one in portion) + each.size > PORTION_BYTES
        ):
            yield portion
            portion = []
        portion.append(each)
    if portion:
        yield portion


def carry_out(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, bytes | None]]:
    """Each content with its bytes; None for one that is missing, changed or unreadable.

    Raises ``StorageFailed`` when the store is away or unwell.
    """
    for portion in portions(wanted):
        rows = [
            StoredContent(pk=each.id, kind=each.kind, sha256=each.sha256, size=each.size) for each in portion
        ]
        found = examine(rows, SECONDS, keep=True)
        yield from ((each, look.data) for each, look in zip(portion, found, strict=True))


def carry_in(contents: Iterable[tuple[str, UUID, bytes]]) -> int:
    """Store contents (kind, id, bytes), durably; how many there were. Raises ``StorageFailed``."""
    portion: list[tuple[str, UUID, bytes]] = []
    stored = 0
    for each in contents:
        portion.append(each)
        if len(portion) == THREADS or sum(len(data) for _kind, _id, data in portion) > PORTION_BYTES:
            stored += keep(portion)
            portion = []
    return stored + keep(portion)


def keep(portion: list[tuple[str, UUID, bytes]]) -> int:
    """Store some side by side. Raises ``StorageFailed``."""
    calls = [
        partial(default_storage.save, storage_name(kind, content_id), ContentFile(data))
        for kind, content_id, data in portion
    ]
    if calls:
        reach_each(calls, SECONDS)
    return len(calls)


def is_empty() -> bool:
    """Whether no content lies in the store. Raises ``StorageFailed``."""
    return not any(reach(partial(has_any, kind), SECONDS) for kind in StoredContent.Kind.values)


def has_any(folder: str) -> bool:
    """Whether a file lies anywhere below. Calls the store, nothing else."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return False
    return bool(files) or any(has_any(f"{folder}/{each}") for each in folders if each)
