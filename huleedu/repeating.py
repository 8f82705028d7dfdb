"""Erasing again what was erased before: after a restored backup all of it may be here once more."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.files.storage import Storage, default_storage
from django.db import transaction

from files.store import reach
from huleedu import erasing
from huleedu.erasure import Erasure

NOTE = re.compile("[0-9a-f]{32}")
MOST_BYTES = 4096  # of one note; it has 300


def known_erasures() -> Iterator[dict[str, Any]]:
    """What ledger and store tell of erasures that were begun. Raises ``StorageFailed``."""
    for erasure in Erasure.objects.filter(begun_at__isnull=False).order_by("asked_at"):
        yield erasing.facts_of(erasure)
    for name in reach(partial(note_names, default_storage)):
        yield json.loads(reach(partial(read_note, default_storage, name)))


def note_names(store: Storage) -> list[str]:
    """The names of the notes in ``store``, without half a one that a killed process left. Calls the store."""
    with suppress(FileNotFoundError):
        return sorted(name for name in store.listdir(erasing.NOTES)[1] if NOTE.fullmatch(name))
    return []


def read_note(store: Storage, name: str) -> bytes:
    """One note. Calls the store, nothing else."""
    with store.open(f"{erasing.NOTES}/{name}") as file:
        return bytes(file.read(MOST_BYTES))


def repeat(told: Iterable[dict[str, Any]]) -> int:
    """Carry out each of these erasures again, the first asked for first; returns how many there are.

    Harmless for what is gone. Raises ``StorageFailed``: then start again.
    """
    by_id = {facts["id"]: facts for facts in told}
    for facts in sorted(by_id.values(), key=lambda facts: str(facts["asked_at"])):
        erasing.carry_out(put_in_ledger(facts))
    return len(by_id)


@transaction.atomic
def put_in_ledger(facts: dict[str, Any]) -> Erasure:
    """The ledger's row for ``facts``, open again."""
    told = erasing.as_erasure(facts)
    names = ("kind", "owner_id", "batch_id", "file_upload_id", "revision", "asked_at", "due_at")
    defaults = {**{name: getattr(told, name) for name in names}, "ended_at": None}
    erasure, _ = Erasure.objects.update_or_create(pk=told.pk, defaults=defaults)
    return erasure
