"""A change and what follows from it, in one transaction: its reactions, and all its events with one INSERT.

Reactions of an event run in the transaction of its fact when nothing older of the batch waits for the relay.
The relay then only numbers, logs and publishes it. What fails is left to the relay, which sets it aside,
tries it again and buries it: the change is carried out once more, alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import IntegrityError, connection, transaction

from huleedu.events import outbox
from huleedu.events.vocabulary import Event
from huleedu.logs import describe
from huleedu.postgres.held import holding

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")
Reaction = Callable[..., None]
log = structlog.get_logger(__name__)


class Table:
    """Which reactions follow which type of event, in order; ``huleedu.subscriptions`` fills it.

    Raises ``AttributeError`` where that was not loaded: nothing may pass for an event that nobody reacts to.
    """

    reactions: Mapping[str, tuple[Reaction, ...]]

    def consumers_of(self, event_type: str) -> dict[str, Reaction]:
        """Consumer name → reaction, in order."""
        return {consumer_name(reaction): reaction for reaction in self.reactions.get(event_type, ())}


TABLE = Table()


@lru_cache(maxsize=256)
def consumer_name(reaction: Reaction) -> str:
    """The name under which effects of ``reaction`` are recorded."""
    return f"{reaction.__module__}.{reaction.__name__}"


class LeftToRelay(Exception):
    """What follows cannot happen here and now."""


def followed(change: Callable[Parameters, Value]) -> Callable[Parameters, Value]:
    """Carry ``change`` out in a transaction, with the reactions of the events that it emits.

    It must be harmless to carry out again: that is done, without reactions, where one failed.
    """

    @wraps(change)
    def carried_out(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Value:
        try:
            with transaction.atomic(), holding(), outbox.gathered() as events:
                value = change(*args, **kwargs)
                if events:
                    follow(events)
                return value
        except (LeftToRelay, IntegrityError) as left:
            log.info("change.left_to_relay", error=describe(left.__cause__ or left))
        with transaction.atomic(), holding():
            return change(*args, **kwargs)

    return carried_out


def follow(events: list[Event]) -> None:
    """React to ``events``, those that reactions emit included, and put all in the outbox.

    Raises ``LeftToRelay``.
    """
    reacted: list[tuple[str, str]] = []
    for event in events:  # it grows meanwhile
        for name, reaction in TABLE.consumers_of(type(event).__name__).items():
            with told_of_failure():
                reaction(event)
            reacted.append((name, event.event_id))
    with told_of_failure():
        fresh = outbox.write(events, reacted, list(TABLE.reactions))
    if not fresh:
        raise LeftToRelay


@contextmanager
def told_of_failure() -> Iterator[None]:
    """Raises ``LeftToRelay`` for what fails within, unless the database has gone away."""
    try:
        yield
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise
        raise LeftToRelay from error
