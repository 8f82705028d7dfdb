"""Typed errors: stable codes, and what steps and actions raise.

Imports the standard library only: steps load it in a short-lived process of their own.
"""

import errno
from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class ErrorCode(StrEnum):
    """Stable codes that no phase declares; their words are in ``huleedu.answers.error_words``."""

    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    CORRUPTED_FILE = "CORRUPTED_FILE"
    ENCRYPTED_FILE = "ENCRYPTED_FILE"
    TIMEOUT = "TIMEOUT"
    EMPTY_CONTENT = "EMPTY_CONTENT"
    NO_TEXT_LAYER = "NO_TEXT_LAYER"
    ARCHIVE_LIMIT = "ARCHIVE_LIMIT"
    CONTENT_TOO_SHORT = "CONTENT_TOO_SHORT"
    CONTENT_TOO_LONG = "CONTENT_TOO_LONG"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    DUPLICATE_CONTENT = "DUPLICATE_CONTENT"
    EXCESS_CONTENT = "EXCESS_CONTENT"
    EXTRACTION_FAILED = "EXTRACTION_FAILED"
    STORAGE_FAILED = "STORAGE_FAILED"
    CONTENT_DAMAGED = "CONTENT_DAMAGED"
    MALWARE = "MALWARE"
    LANGUAGE_UNSUPPORTED = "LANGUAGE_UNSUPPORTED"
    LANGUAGE_UNKNOWN = "LANGUAGE_UNKNOWN"


class StepError(Exception):
    """A step's typed, final outcome: its input cannot be processed.

    ``details`` must be JSON and hold no essay text.
    """

    def __init__(self, code: str, **details: str | int | float | bool | list[str]) -> None:
        super().__init__(str(code))
        self.code = code
        self.details = details


class Refused(Exception):
    """A well-formed request that may not be carried out now; ``code`` is stable, ``facts`` are JSON."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class MustWait(Exception):
    """A password was not looked at: it is too early for that, or too many others are ``busy`` here."""

    def __init__(self, seconds: int, *, busy: bool = False) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds
        self.busy = busy
        self.status = 503 if busy else 429


class StorageFailed(Exception):
    """The content store did not take or give the bytes; trying again may help."""


class Unfit(Exception):
    """This process does not belong to the installation's other parts; the message says why and what to do."""


class ContentDamaged(Refused):
    """Stored content is missing from the store, or no longer what was stored; trying again does not help."""

    def __init__(self, content_id: UUID, kind: str, damage: str) -> None:
        super().__init__(ErrorCode.CONTENT_DAMAGED.value, content_id=str(content_id), damage=damage)
        self.content_id = content_id
        self.kind = kind


def is_out_of_room(failure: BaseException) -> bool:
    """True when a disk had no room for the bytes."""
    return any(isinstance(error, OSError) and error.errno in NO_ROOM for error in causes(failure))


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what caused it, down to the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
