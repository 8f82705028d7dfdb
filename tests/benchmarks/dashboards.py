"""A process that is many browsers: sockets on batches, and when each message arrived.

The first line of input is JSON: the address and (batch id, token) pairs. It says ``connected`` when all
sockets have their hello; for each further line it prints file id → monotonic seconds of the arrival.
"""

import asyncio
import json
import resource
import sys
import time
from typing import Any

from websockets.asyncio.client import connect

AT_ONCE = 20


async def follow(url: str, batch_id: str, token: str, arrived: dict[str, float], hello: "Ready") -> None:
    """Follow one batch until cancelled."""
    address = f"{url.replace('http', 'ws', 1)}/ws/batches/{batch_id}/"
    headers = {"Authorization": f"Bearer {token}", "Origin": url}
    async with hello.room:
        socket = await connect(address, additional_headers=headers, open_timeout=120, compression=None)
        await socket.recv()
    hello.one_more()
    async for text in socket:
        at = time.monotonic()
        message: dict[str, Any] = json.loads(text)
        if message["type"] == "event":
            arrived[message["data"]["file_upload_id"]] = at


class Ready:
    """Counts hellos, and keeps connecting orderly."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.room = asyncio.Semaphore(AT_ONCE)
        self.all = asyncio.Event()

    def one_more(self) -> None:
        """One socket has its hello."""
        self.left -= 1
        if not self.left:
            self.all.set()


async def run() -> None:
    """Connect, say so, collect, tell when asked."""
    order = json.loads(sys.stdin.readline())
    arrived: dict[str, float] = {}
    hello = Ready(len(order["sockets"]))
    tasks = [
        asyncio.create_task(follow(order["url"], batch, token, arrived, hello))
        for batch, token in order["sockets"]
    ]
    await hello.all.wait()
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        answer = {"arrived": arrived, "lost": sum(task.done() for task in tasks)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(run())
