"""The channel layer with bounded patience: a Valkey that stands still must not make sockets stand still.

The pub/sub layer waits without limit, and under one lock: one lost answer would hold up every later socket
of the process, also after Valkey is well again. Here whoever waits too long fails, and the connection is
made anew.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from channels_redis.pubsub import (
    RedisPubSubChannelLayer,
    RedisPubSubLoopLayer,
    RedisSingleShardConnection,
)

PATIENCE_SECONDS = 2.0


class BoundedConnection(RedisSingleShardConnection):
    """One connection to Valkey. ``subscribe`` and ``unsubscribe`` raise ``ConnectionError`` when it hangs."""

    begun = 0  # how often it was made anew

    async def subscribe(self, channel: str) -> None:
        """Hear of ``channel`` from now on; nothing is asked when it is heard of already."""
        await self.bounded(super().subscribe(channel))

    async def unsubscribe(self, channel: str) -> None:
        """Hear no more of ``channel``."""
        await self.bounded(super().unsubscribe(channel))

    async def bounded(self, request: Awaitable[None]) -> None:
        """Carry ``request`` out, or start over with a new connection that is subscribed to nothing."""
        begun = self.begun
        try:
            await asyncio.wait_for(request, PATIENCE_SECONDS)
        except (TimeoutError, RuntimeError) as error:  # the latter when two read the same answer
            # Whoever merely waited behind the one that hangs must not start over again.
            if self.begun == begun:
                await self.start_over()
            raise ConnectionError("Valkey does not answer") from error

    async def start_over(self) -> None:
        """Forget the connection without waiting for it; its reader and its socket end by themselves."""
        self.begun += 1
        abandoned, self._redis = self._redis, None
        reader, self._receive_task = self._receive_task, None
        self._pubsub, self._subscribed_to = None, set()
        if reader is not None:
            reader.cancel()
        if abandoned is not None:
            with suppress(Exception):
                await asyncio.wait_for(abandoned.connection_pool.disconnect(), PATIENCE_SECONDS)


class BoundedChannelLayer(RedisPubSubChannelLayer):
    """The pub/sub layer on bounded connections; followers join their groups again at each look at the log."""

    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer = super()._get_layer()
        shards = layer._shards
        for number, shard in enumerate(shards):
            if not isinstance(shard, BoundedConnection):
                shards[number] = BoundedConnection(shard.host, layer)
        return layer
