"""Whose request is being answered, for whatever must tell of it: the log's lines and the security log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

REQUEST: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@contextmanager
def calling(request: HttpRequest) -> Iterator[None]:
    """``current_request`` is ``request`` within the block."""
    token = REQUEST.set(request)
    try:
        yield
    finally:
        REQUEST.reset(token)


def current_request() -> HttpRequest | None:
    """The request that is being answered; None in a command, a relay or a worker."""
    return REQUEST.get()


def known_user_id(request: HttpRequest) -> int | None:
    """The id of who is signed in, if that was looked at already: it asks the database nothing."""
    user = vars(request).get("user")
    if type(user) is SimpleLazyObject:  # an instance check would look
        user = vars(request).get("_cached_user")
    known = getattr(user, "pk", None)
    return known if isinstance(known, int) else None
