"""Erasing again what was erased before: after a restored backup all of it may be here once more."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from files.store import reach
from huleedu import erasing
from huleedu.erasure import Erasure


def known_erasures() -> Iterator[dict[str, Any]]:
    """What ledger and store tell of erasures that were begun. Raises ``StorageFailed``."""
    for erasure in Erasure.objects.filter(begun_at__isnull=False).order_by("asked_at"):
        yield erasing.facts_of(erasure)
    for name in noted():
        yield json.loads(reach(partial(read_note, f"{erasing.NOTES}/{name}")))


def noted() -> list[str]:
    """The names of the notes in the store. Raises ``StorageFailed``."""

    def listed() -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(default_storage.listdir(erasing.NOTES)[1])
        return []

    return reach(listed)


def read_note(name: str) -> bytes:
    """One note."""
    with default_storage.open(name) as file:
        return bytes(file.read())


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
