"""A heartbeat that reads on while messages come: no number is sent twice or out of order."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from huleedu.events.feed import Missed
from realtime import consumers
from realtime.consumers import BatchConsumer


class Recorded(BatchConsumer):
    """A consumer without a socket that keeps what it would send."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self.turn = asyncio.Lock()
        self.batch_id, self.epoch, self.seq = uuid4(), uuid4(), seq
        self.sent: list[int] = []

    async def leave_if_deleted(self) -> None:
        """It is not."""

    async def send_text(self, text: str) -> None:
        await asyncio.sleep(0)
        self.sent.append(json.loads(text)["seq"])


@pytest.mark.parametrize("first", ["heartbeat", "message"])
def test_a_message_during_a_heartbeat_is_sent_once(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    async def slow_read(batch_id: UUID, after: int, epoch: UUID) -> Missed:
        await asyncio.sleep(0.01)
        return Missed(epoch, 13, False, [{"seq": seq} for seq in range(after + 1, 14)])

    async def scenario() -> list[int]:
        consumer = Recorded(seq=11)
        message: dict[str, Any] = {"seq": 12, "text": '{"seq": 12}', "timestamp": "2026-01-01T00:00:00Z"}
        steps = [consumer.catch_up(), consumer.feed_event(message)]
        await asyncio.gather(*(steps if first == "heartbeat" else reversed(steps)))
        return consumer.sent

    monkeypatch.setattr(consumers, "read_missed", slow_read)
    monkeypatch.setattr(consumers, "observe_sent", lambda _timestamp: None)
    assert asyncio.run(scenario()) == [12, 13]
