"""Transactions that PostgreSQL ended for the sake of another one: done again, for nothing of them is left."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import OperationalError, connection

TRIES = 5
PAUSE_SECONDS = 0.05
CHOSEN = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure
Value = TypeVar("Value")
log = structlog.get_logger(__name__)


def retried(change: Callable[[], Value]) -> Value:
    """The value of ``change``, one transaction; carried out again when it was ended for another one.

    Inside a transaction it is carried out once, because that one is ended as a whole. Raises
    ``OperationalError`` when it was ended ``TRIES`` times, and whatever ``change`` raises.
    """
    tries = 1 if connection.in_atomic_block else TRIES
    for number in range(1, tries):
        try:
            return change()
        except OperationalError as error:
            if not was_chosen(error):
                raise
            log.warning("transaction.repeated", attempt=number)
            time.sleep(random.uniform(0, PAUSE_SECONDS * number))  # noqa: S311
    return change()


def was_chosen(error: OperationalError) -> bool:
    """True when the database ended the transaction because of another one."""
    return getattr(error.__cause__, "sqlstate", None) in CHOSEN
