"""A Valkey that stands still: whoever asks it fails soon, and all is well as soon as it goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from redis.asyncio.connection import parse_url

from realtime import layer as layers
from realtime.layer import BoundedChannelLayer

PATIENCE = 0.3


class Way:
    """A way to the real Valkey on which everything stands still while it is not ``open``."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both directions."""
        there: Any = parse_url(settings.REDIS_URL)
        if "path" in there:
            far = await asyncio.open_unix_connection(there["path"])
        else:
            far = await asyncio.open_connection(there.get("host", "127.0.0.1"), there.get("port", 6379))
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.gather(self.pass_on(reader, far[1]), self.pass_on(far[0], writer))
        finally:
            for end in (writer, far[1]):
                end.close()

    async def pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass bytes on as they come; hold them back while nothing passes."""
        while data := await source.read(4096):
            await self.open.wait()
            with suppress(ConnectionError):
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def way() -> AsyncIterator[Way]:
    """A way that is closed at first."""
    found = Way()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    there: Any = parse_url(settings.REDIS_URL)
    secret = f":{quote(there['password'])}@" if "password" in there else ""
    found.url = f"redis://{secret}127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        found.open.set()
        server.close()


def layer_over(found: Way) -> BoundedChannelLayer:
    """A layer that knows no other way."""
    return BoundedChannelLayer(hosts=[{"address": found.url, "socket_timeout": None}], prefix="test-layer")


async def hears(layer: BoundedChannelLayer, group: str, channel: str) -> bool:
    """True when what is told to the group arrives."""
    await layer.group_send(group, {"type": "word"})
    with suppress(TimeoutError):
        return bool(await asyncio.wait_for(layer.receive(channel), 2) == {"type": "word"})
    return False


async def stands_still_at_first() -> None:
    async with way() as found:
        layer = layer_over(found)
        asked = [asyncio.wait_for(layer.new_channel(), 5) for _ in range(20)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {ConnectionError}
        found.open.set()
        channel = await asyncio.wait_for(layer.new_channel(), 5)
        await asyncio.wait_for(layer.group_add("a", channel), 5)
        assert await hears(layer, "a", channel)
        await layer.flush()


async def stands_still_in_between() -> None:
    async with way() as found:
        found.open.set()
        layer = layer_over(found)
        channel = await layer.new_channel()
        await layer.group_add("a", channel)
        assert await hears(layer, "a", channel)
        found.open.clear()
        # Sent without waiting for an answer, as to anybody who still takes bytes: nothing is known yet.
        await layer.group_add("b", channel)
        layer._get_layer()._shards[0]._pubsub.subscribe = never
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(layer.group_add("c", channel), 5)
        found.open.set()
        for group in ("a", "b", "c"):
            await asyncio.wait_for(layer.group_add(group, channel), 5)
            assert await hears(layer, group, channel)
        await layer.flush()


async def never(*_words: str) -> None:
    """An answer that is lost."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("story", [stands_still_at_first, stands_still_in_between])
def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch, story: Any) -> None:
    monkeypatch.setattr(layers, "PATIENCE_SECONDS", PATIENCE)
    asyncio.run(story())
