"""Publish committed messages to the channel layer: at once, best effort. Rows are the truth."""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from huleedu.events.feed import NumberedMessage

LAST = "BatchDeleted"  # whoever follows is told, and goes
TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 1.0  # after a failure the relay must not wait for Redis again at once
# All in one command: a reply for each message would cost more than the messages.
PUBLISH = "for at = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[at], ARGV[at + 1]) end"
log = structlog.get_logger(__name__)


def batch_group(batch_id: UUID) -> str:
    """The channel group of one batch's followers."""
    return f"batch.{batch_id}"


def teacher_group(owner_id: int) -> str:
    """The channel group of one teacher's overview pages."""
    return f"teacher.{owner_id}"


@lru_cache(maxsize=1)
def redis_client() -> "Redis":
    """A client with short timeouts, made once per process."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


class Breaker:
    """Remembers a failure for ``PAUSE_SECONDS`` so that callers do not wait again."""

    def __init__(self) -> None:
        self._closed_at = 0.0

    def open(self) -> bool:
        """True while calls should not be tried."""
        return time.monotonic() < self._closed_at

    def trip(self) -> None:
        """Note a failure."""
        self._closed_at = time.monotonic() + PAUSE_SECONDS


BREAKER = Breaker()


def group_messages(messages: Sequence[NumberedMessage]) -> Iterable[tuple[str, dict[str, Any]]]:
    """(group, channel message) pairs: every message to its batch, one hint per batch to its teacher."""
    newest: dict[UUID, NumberedMessage] = {}
    for item in messages:
        newest[item.batch_id] = item
        facts = {"seq": item.seq, "timestamp": item.timestamp, "text": item.text}
        if item.event_type == LAST:
            facts["last"] = True
        yield batch_group(item.batch_id), {"type": "feed.event", **facts}
    for item in newest.values():
        hint = {"type": "changed", "batch_id": str(item.batch_id), "seq": item.seq}
        yield teacher_group(item.owner_id), {"type": "feed.changed", "hint": hint}


def publish(messages: Sequence[NumberedMessage]) -> None:
    """Send ``messages`` to whoever follows. Without Redis nothing is lost: readers catch up from rows."""
    if not messages or BREAKER.open():
        return
    layer: Any = get_channel_layer()
    try:
        words: list[str | bytes] = []
        for group, message in group_messages(messages):
            words += (f"{settings.CHANNEL_PREFIX}__group__{group}", layer.serialize(message))
        redis_client().eval(PUBLISH, 0, *words)
    except RedisError:
        BREAKER.trip()
        log.warning("push.failed", count=len(messages))
