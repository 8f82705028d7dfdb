"""The mark in the store: the file that says whose bytes these are."""

from typing import Protocol, runtime_checkable
from uuid import UUID

from django.core.files.storage import default_storage

from files.store import StoreAway, read_up_to

NAME = "installation"
MOST = 64  # bytes; an identity and the end of its line are 37


@runtime_checkable
class Listing(Protocol):
    """A store that tells what it has without opening it."""

    def listed_size(self, name: str) -> int | None:
        """The size in bytes as listed; None when nothing of that name is."""


def listed_size(name: str) -> int | None:
    """As ``Listing.listed_size`` of the content store. Calls the store, nothing else."""
    if not isinstance(default_storage, Listing):
        raise StoreAway("not a store that lists")
    return default_storage.listed_size(name)


def find_mark() -> str | None:
    """Whose store it is; None when it says nothing. Calls the store, nothing else.

    Raises what the store raises, and ``StoreAway`` for what is no mark, or listed and not there.
    """
    try:
        with default_storage.open(NAME) as file:
            text = read_up_to(file, MOST).decode(errors="replace").strip()
    except FileNotFoundError as error:
        if listed_size(NAME) is not None:
            raise StoreAway("the mark is listed and not there") from error
        return None
    try:
        return str(UUID(text))
    except ValueError as error:
        raise StoreAway("the mark is none") from error
