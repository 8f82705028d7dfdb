"""From commit to reaction, beside procrastinate's commit to the start of the job; one message at a time."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

from django.db import transaction

from huleedu.events.outbox import emit
from tests.benchmarks.consumer import Stamps, consuming
from tests.benchmarks.events import file_added
from tests.benchmarks.measure import Figure, at_most, note, percentile, size
from tests.benchmarks.peers import Procrastinate

ROUNDS = size(4, 2)
MESSAGES = size(250, 40)
PAUSES_SECONDS = (0.011, 0.037, 0.023, 0.049, 0.017, 0.031)


def main() -> None:
    """Both run in processes of their own; rounds take turns."""
    peer = Procrastinate()
    asyncio.run(peer.install())
    ours: list[float] = []
    theirs: list[float] = []
    with (
        consuming("relay") as relay,
        consuming("procrastinate") as worker,
        peer.app.replace_connector(peer.synchronous()) as app,
        app.open(),
    ):
        for turn in range(ROUNDS):
            ours += delays(relay, turn, emit_one)
            theirs += delays(worker, turn, lambda number: deferred(peer, number))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        mine, other = percentile(ours, share) * 1000, percentile(theirs, share) * 1000
        beside = f"procrastinate {other:.1f} ms"
        Figure(f"commit to reaction, {name}", f"{mine:.1f} ms", beside, *at_most(mine, other, 0.5)).tell()


def delays(stamps: Stamps, turn: int, send: Callable[[int], float]) -> list[float]:
    """Seconds from each commit to its reaction."""
    numbers = range(turn * MESSAGES, (turn + 1) * MESSAGES)
    sent = {}
    for number in numbers:
        sent[number] = send(number)
        time.sleep(PAUSES_SECONDS[number % len(PAUSES_SECONDS)])
    reacted = stamps.wait((turn + 1) * MESSAGES)
    found = [reacted[number] - sent[number] for number in numbers]
    note(f"p50 {percentile(found, 0.5) * 1000:.2f} ms, p99 {percentile(found, 0.99) * 1000:.2f} ms")
    return found


def emit_one(number: int) -> float:
    """Commit one event; when that was."""
    at: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: at.append(time.monotonic()))
        emit(file_added(uuid4()).model_copy(update={"size": number}))
    return at[0]


def deferred(peer: Procrastinate, number: int) -> float:
    """Commit one job; when that was."""
    peer.task.defer(number=number)
    return time.monotonic()
