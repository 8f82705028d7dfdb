"""Damaged, or a store that is unwell? One rule for whoever reads content.

Content is damaged when it is wrong twice alike while the store is well: its mark is ours, and it lists
the same that it gives. Anything else that is wrong is the store's, and passes.
"""

import errno
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal
from uuid import UUID

from django.core.files.storage import default_storage

from files.mark import find_mark, listed_size
from files.models import StoredContent
from files.store import UNKNOWN_SIZE, StoreAway, reach, reach_each, read_up_to
from huleedu.models import Installation

Damage = Literal["missing", "changed", "unreadable"]
# Of one file on a disk. A disk or network that fails for a while says EIO or ESTALE.
OF_ONE = frozenset({errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EINVAL})


@dataclass(frozen=True)
class Look:
    """What one reading found: the bytes if they are whole, else what is wrong, and what tells it from others.

    ``size`` is None of what has no bytes; a content that is too long is one byte longer than it should be.
    """

    data: bytes | None
    damage: Damage | None = None
    size: int | None = None
    sign: str = ""


@dataclass(frozen=True)
class Owner:
    """Whose mark the store should carry, if it carries one."""

    identity: str
    marked: bool


def storage_name(kind: str, content_id: UUID) -> str:
    """Where the bytes lie: never anything a client named."""
    return f"{kind}/{content_id.hex[:2]}/{content_id.hex}"


def examine(rows: Sequence[StoredContent], seconds: float | None = None, *, keep: bool = False) -> list[Look]:
    """What is stored of each of ``rows``, read side by side; their bytes only if ``keep``.

    Each call of the store may take ``seconds``, else as long as somebody would wait. Raises ``StorageFailed``
    when the store is away or unwell.
    """
    looks = reach_each([partial(look, row, keep=keep) for row in rows], seconds)
    doubtful = [at for at, found in enumerate(looks) if found.damage]
    if doubtful:
        owner = find_owner()  # here: calls of the store may not touch the database
        reach(partial(check_mark, owner), seconds)
        again = [partial(look_again, rows[at], looks[at], keep=keep) for at in doubtful]
        for at, found in zip(doubtful, reach_each(again, seconds), strict=True):
            looks[at] = found
    return looks


def look(row: StoredContent, *, keep: bool = False) -> Look:
    """Read one content. Calls the store, nothing else; raises what it raises when more than this is wrong."""
    try:
        with default_storage.open(storage_name(row.kind, row.pk)) as file:
            told = file.size
            if told not in {UNKNOWN_SIZE, row.size}:
                return Look(None, "changed", told)
            data = read_up_to(file, row.size + 1)
    except FileNotFoundError:
        return Look(None, "missing")
    except OSError as error:
        if isinstance(error, StoreAway) or error.errno not in OF_ONE:
            raise
        return Look(None, "unreadable", sign=str(error.errno))
    digest = hashlib.sha256(data).hexdigest()
    if digest != row.sha256:
        return Look(None, "changed", len(data), digest)
    return Look(data if keep else None)


def look_again(row: StoredContent, first: Look, *, keep: bool = False) -> Look:
    """What another reading finds of what was wrong. Raises ``StoreAway`` when it is told otherwise."""
    listed = listed_size(storage_name(row.kind, row.pk))
    found = look(row, keep=keep)
    if found.damage is None:
        return found
    if found != first:
        raise StoreAway("wrong, each time in another way")
    if found.damage == "missing" and listed is not None:
        raise StoreAway("listed and not there")
    if found.damage == "changed" and (listed is None or (listed == row.size) != (found.size == row.size)):
        raise StoreAway("listed otherwise")
    return found


def find_owner() -> Owner:
    """Whose mark the store should carry. Raises DatabaseError."""
    row = Installation.objects.filter(pk=1).first()
    return Owner(str(row.identity), row.store_marked) if row else Owner("", marked=False)


def check_mark(owner: Owner) -> None:
    """Raises ``StoreAway`` when the store has another mark than it should. Calls the store, nothing else."""
    found = find_mark()
    if found != owner.identity and (found is not None or owner.marked):
        raise StoreAway("not the mark of this installation")
