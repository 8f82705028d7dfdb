"""The door to the content store: every call has a deadline, and a store that hangs is left alone."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from huleedu.failures.errors import StorageFailed
from huleedu.outside.endpoints import BUDGET, Endpoint, Unanswered

THREADS = 16
# From the disk, and from an S3-compatible store. A server that redirects to nowhere sends botocore
# into itself: it follows and signs anew.
STORE_ERRORS = (OSError, BotoCoreError, ClientError, RecursionError)
REDIRECTS, SERVER_ERROR = range(300, 400), 500
PIECE = 64 * 1024
UNKNOWN_SIZE = -1  # of a content that comes without its length
# One content comes within that, or it is given up: also by a thread that nobody waits for any longer.
WHOLE_SECONDS = 60.0
Value = TypeVar("Value")


class StoreAway(OSError):
    """What answers is not the store, or contradicts itself: as good as no answer."""


def is_unwell(error: BaseException) -> bool:
    """True when the store is away or overloaded; a full disk or a missing permission is an answer."""
    if isinstance(error, ClientError):
        status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", SERVER_ERROR))
        return status >= SERVER_ERROR or status in REDIRECTS
    return isinstance(error, (StoreAway, BotoCoreError, RecursionError))


STORE = Endpoint("store", THREADS, is_unwell)


def is_refused() -> bool:
    """True while the store hangs or fails, and is left alone."""
    return STORE.breaker.is_refusing


class Failures:
    """How often this process could not use the store: an earlier good finding says nothing then."""

    number = 0


FAILURES = Failures()


def reach(action: Callable[[], Value], seconds: float | None = None) -> Value:
    """What ``action``, which calls the store and nothing else, returns. Raises ``StorageFailed``.

    Without ``seconds`` it has as long as a request, or a worker that is more patient, should wait.
    """
    (value,) = reach_each([action], seconds)
    return value


def reach_each(actions: Sequence[Callable[[], Value]], seconds: float | None = None) -> list[Value]:
    """What all ``actions``, carried out side by side, return. Raises ``StorageFailed``.

    As many at a time as there are threads, each portion waited for like one call: two hundred calls to a
    distant store take longer than one, and it is not away for that.
    """
    limit = seconds or patience()
    try:
        return [
            value
            for first in range(0, len(actions), THREADS)
            for value in STORE.call_each(actions[first : first + THREADS], limit)
        ]
    except (*STORE_ERRORS, Unanswered) as error:
        FAILURES.number += 1
        raise StorageFailed from error


def patience() -> float:
    """Seconds for one call: while somebody waits for an answer, or of work that nobody waits for."""
    return settings.STORE_SECONDS if BUDGET.get() is not None else 2 * settings.STORE_SECONDS


def read_up_to(file: Any, most: int) -> bytes:
    """The bytes of an open content, ``most`` of them if there are more. Raises ``StoreAway`` if they drip."""
    until = time.monotonic() + WHOLE_SECONDS
    data = bytearray()
    while len(data) < most and (piece := file.read(min(PIECE, most - len(data)))):
        data += piece
        if time.monotonic() > until:
            raise StoreAway("too slow")
    return bytes(data)
