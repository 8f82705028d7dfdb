"""Erasing again what was erased before: after a restored backup all of it may be here once more."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.files.storage import Storage, default_storage
from django.db import transaction

from batches.models import Batch
from files.store import reach, read_up_to
from huleedu.accounts import life as accounts
from huleedu.erasure import Erasure
from huleedu.forgetting import erasing

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
        return read_up_to(file, MOST_BYTES)


@dataclass(frozen=True)
class Repeated:
    """How many erasures were carried out again, and the accounts of those that wait for somebody."""

    count: int
    waiting: list[User]

    def words(self) -> list[str]:
        """What to tell whoever had them repeated, a sentence or two for each thing."""
        return [
            f"{self.count} erasures repeated.",
            *(
                f"{user.username} was erased, but here it has {user.batches.count()} batches that had "
                "been handed over before. Hand them over (manage.py account hand-over), then repeat this."
                for user in self.waiting
            ),
        ]


def repeat(told: Iterable[dict[str, Any]]) -> Repeated:
    """Carry out each of these erasures again, the first asked for first.

    An account with batches that nobody asked to erase had handed them over after the backup was made. It is
    closed, and waits until that is done again. Harmless for what is gone. Raises ``StorageFailed``: then
    start again.
    """
    by_id = {facts["id"]: facts for facts in told}
    batches = {facts["batch_id"] for facts in by_id.values() if facts["kind"] == Erasure.Kind.BATCH}
    waiting = []
    for facts in sorted(by_id.values(), key=lambda facts: str(facts["asked_at"])):
        owner = still_needed(facts, batches)
        if owner is None:
            erasing.carry_out(put_in_ledger(facts))
        else:
            accounts.close(owner)
            waiting.append(owner)
    return Repeated(len(by_id) - len(waiting), waiting)


def still_needed(facts: dict[str, Any], erased: Collection[str]) -> User | None:
    """The account that is to be erased if it has batches that are not; None for all others."""
    if facts["kind"] != Erasure.Kind.ACCOUNT:
        return None
    owners = User.objects.filter(pk=facts["owner_id"], date_joined__lte=facts["asked_at"])
    has = Batch.objects.filter(owner_id=facts["owner_id"]).exclude(pk__in=list(erased))
    return owners.first() if has.exists() else None


@transaction.atomic
def put_in_ledger(facts: dict[str, Any]) -> Erasure:
    """The ledger's row for ``facts``, open again."""
    told = erasing.as_erasure(facts)
    names = ("kind", "owner_id", "batch_id", "file_upload_id", "revision", "asked_at", "due_at")
    defaults = {**{name: getattr(told, name) for name in names}, "ended_at": None}
    erasure, _ = Erasure.objects.update_or_create(pk=told.pk, defaults=defaults)
    return erasure
