"""What was erased after a backup was taken: the backup does not know of it, so something else must tell.

Every erasure leaves a note in the content store of the installation that carries it out. Whoever restores its
backup names that store or a list written before, or says that there was nothing; else nobody is served.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from files.mark import MOST, NAME
from files.s3 import ObjectStorage
from files.store import read_up_to
from huleedu.forgetting.erasing import NOTES, as_erasure
from huleedu.forgetting.repeating import note_names, read_note

BUCKET = "s3:"  # before the name of a bucket
Facts = dict[str, Any]


class NotTold(Exception):
    """The erasures cannot be read where somebody said; the message says why."""


@dataclass(frozen=True)
class Sources:
    """Where somebody says that later erasures can be read, or that there were none."""

    ledger: Path | None = None
    old_store: str = ""
    nothing_erased: bool = False

    @property
    def told(self) -> bool:
        """Whether anything was said."""
        return bool(self.ledger or self.old_store or self.nothing_erased)

    def read(self, identity: str) -> list[Facts]:
        """What they tell of the installation ``identity``. Raises NotTold."""
        found = list(in_file(self.ledger)) if self.ledger else []
        return found + (in_store(self.old_store, identity) if self.old_store else [])


def add_arguments(parser: ArgumentParser) -> None:
    """The options of commands that ask for ``Sources``."""
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="written by repeat_erasures --export")
    parser.add_argument(
        "--old-store",
        default="",
        metavar="FOLDER",
        help="content of the installation that was backed up: .../content, or s3:BUCKET",
    )
    parser.add_argument(
        "--nothing-erased", action="store_true", help="say that nothing was erased since the backup"
    )


def place_of_store() -> str:
    """Where this installation's content lies, as ``--old-store`` wants it."""
    if isinstance(default_storage, FileSystemStorage):
        return str(default_storage.location)
    return f"{BUCKET}{settings.S3_BUCKET}"


def in_file(ledger: Path) -> Iterator[Facts]:
    """Each line of a list that was exported. Raises NotTold."""
    try:
        lines = ledger.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise NotTold(f"The list {ledger} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield understood(line, f"line {number} of {ledger}")


def in_store(place: str, identity: str) -> list[Facts]:
    """The notes in another content store, which must be that of ``identity``. Raises NotTold."""
    try:
        store = opened(place)
        found = whose(store)
        texts = {name: read_note(store, name) for name in note_names(store)} if found == identity else {}
    except Exception as error:  # whatever a backend raises
        raise NotTold(f"The content store {place} cannot be read: {error}") from error
    if not found:
        raise NotTold(
            f"{place} is no content store of HuleEdu: it has no mark {NAME!r}. Name the folder 'content'."
        )
    if found != identity:
        raise NotTold(f"{place} is the content store of another installation than the one backed up.")
    return [understood(text, f"{place}/{NOTES}/{name}") for name, text in texts.items()]


def whose(store: Storage) -> str:
    """The identity that a store is marked with; empty when it is not marked."""
    try:
        with store.open(NAME) as mark:
            return read_up_to(mark, MOST).decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def opened(place: str) -> Storage:
    """The store of that name. Raises NotTold for a bucket that is nobody knows where."""
    if place.startswith(BUCKET):
        if not (settings.S3_ENDPOINT or settings.S3_BUCKET):  # or a company far away would be asked for it
            raise NotTold("Set HULEEDU_S3_ENDPOINT, and the store's key as for HuleEdu itself.")
        return ObjectStorage(bucket_name=place.removeprefix(BUCKET), endpoint_url=settings.S3_ENDPOINT)
    return FileSystemStorage(location=place)


def understood(text: str | bytes, where: str) -> Facts:
    """The facts that ``text`` holds. Raises NotTold."""
    try:
        facts: Facts = json.loads(text)
        as_erasure(facts)
    except (ValueError, TypeError, KeyError) as error:
        raise NotTold(f"This tells of no erasure: {where}.") from error
    return facts
