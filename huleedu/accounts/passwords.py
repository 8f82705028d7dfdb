"""Passwords are looked at here alone: a few at once, and only as often as the doors allow."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.http import HttpRequest

from huleedu.accounts import doors
from huleedu.failures.errors import MustWait
from huleedu.postgres.database import give_back

PATIENCE_SECONDS = 4.0
WAITING = 30  # others are told to come back at once
BUSY_SECONDS = 5


class Places:
    """At most ``at_once`` threads are in a block of ``taken``; ``waiting`` more wait ``patience`` seconds."""

    def __init__(self, at_once: int, waiting: int, patience: float) -> None:
        self._free = threading.Semaphore(at_once)
        self._waiting = threading.Semaphore(waiting)
        self._patience = patience

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a place, given back after the block. Raises ``MustWait`` when none gets free in time."""
        if not self._free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._free.release()

    def _wait(self) -> None:
        if not self._waiting.acquire(blocking=False):
            raise MustWait(BUSY_SECONDS, busy=True)
        try:
            give_back()  # of connections there are fewer than of those who wait
            if not self._free.acquire(timeout=self._patience):
                raise MustWait(BUSY_SECONDS, busy=True)
        finally:
            self._waiting.release()


PLACES = Places(settings.PASSWORD_CHECKS, WAITING, PATIENCE_SECONDS)


class BoundedHasher(PBKDF2PasswordHasher):
    """As Django's; a hash keeps a processor for a third of a second: a crowd must not take all."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash, once there is a place. Raises ``MustWait``."""
        with PLACES.taken():
            return super().encode(password, salt, iterations)


class GuardedBackend(ModelBackend):
    """Django's accounts behind the doors' count: whoever asks for a password comes by here."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        """The account whose name and password these are, or None. Raises ``MustWait``.

        Without a request it is no door but our own code.
        """
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **more)
        with doors.attempt(request, username) as tried:
            user = super().authenticate(request, username, password, **more)
            tried.right = user is not None
        return user

    async def aauthenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> User | None:
        """The same for callers that are not to wait for it."""
        return await sync_to_async(self.authenticate)(request, username, password, **more)
