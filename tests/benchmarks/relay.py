"""Relay throughput: events that wait, drained by one relay, beside jobs that wait, drained by one worker."""

import asyncio
from collections.abc import Callable

from django.db import connection

from huleedu.models import LoggedEvent
from huleedu.relay.loop import Relay
from tests.benchmarks.events import empty, fill, make_feeds, nothing, one_row, only_reaction
from tests.benchmarks.measure import Figure, alternate, seconds_of, size, times
from tests.benchmarks.peers import PgQueuer, Procrastinate

REPETITIONS = size(5, 2)
EVENTS = size(20_000, 4_000)
JOBS = size(400, 100)
BATCHES = 100


def main() -> None:
    """Rows per second: no-op reactions, one INSERT each, and the peers' no-op jobs."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_effect (id uuid)")
    procrastinate, pgqueuer = Procrastinate(), PgQueuer()
    asyncio.run(procrastinate.install())
    asyncio.run(pgqueuer.install())
    plain, row, slow, parallel, quick, tuned = alternate(
        REPETITIONS,
        lambda: relayed(nothing),
        lambda: relayed(one_row),
        lambda: procrastinate.drain(JOBS),
        lambda: procrastinate.drain(JOBS, concurrency=10),
        lambda: pgqueuer.drain(JOBS * 2),
        lambda: pgqueuer.drain(JOBS * 5, batch_size=100),
    )
    tell("relay, reactions that do nothing", plain, f"procrastinate {slow:,.0f}/s", slow, 40)
    tell("the same", plain, f"pgqueuer {quick:,.0f}/s", quick, 4)
    tell("relay, reactions with one INSERT", row, f"procrastinate, doing nothing {slow:,.0f}/s", slow, 15)
    for name, peer in (("procrastinate, 10 at once", parallel), ("pgqueuer, batches of 100", tuned)):
        Figure("for comparison", f"{plain:,.0f}/s", f"{name} {peer:,.0f}/s", f"{plain / peer:.1f} ×").tell()


def tell(name: str, ours: float, beside: str, peer: float, at_least: float) -> None:
    """One row of the table."""
    Figure(name, f"{ours:,.0f}/s", beside, *times(ours, peer, at_least)).tell()


def relayed(reaction: Callable[..., None]) -> float:
    """Events per second, from the full outbox to log, feed and Valkey."""
    empty()
    fill(EVENTS, make_feeds(BATCHES))
    with only_reaction(reaction):
        seconds = seconds_of(Relay(beside=True).drain)
    assert LoggedEvent.objects.filter(seq__isnull=False).count() == EVENTS
    return EVENTS / seconds
