"""Rows that the running transaction has locked: read once, for until its end nobody else changes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Row = TypeVar("Row")
ROWS: ContextVar[dict[Any, Any] | None] = ContextVar("rows", default=None)


@contextmanager
def holding() -> Iterator[None]:
    """What is locked within the block, which is a transaction or ends with a savepoint, is read once."""
    token = ROWS.set({})
    try:
        yield
    finally:
        ROWS.reset(token)


def changed(key: object, row: object) -> None:
    """``row`` was changed: what else is held of it under ``key`` is out of date."""
    rows = ROWS.get()
    if rows is not None and key in rows:
        rows[key] = row


def held(key: object, lock: Callable[[], Row]) -> Row:
    """The row that was locked under ``key``, or that ``lock`` locks now."""
    rows = ROWS.get()
    if rows is None:
        return lock()
    if key not in rows:
        rows[key] = lock()
    row: Row = rows[key]
    return row
