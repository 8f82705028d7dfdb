"""What an event adds to the transaction of its change, alone and with eight producers."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from uuid import uuid4

import psycopg
from django.db import transaction

from huleedu.events import outbox, waking
from huleedu.events.outbox import emit
from huleedu.models import Feed
from tests.benchmarks.consumer import consuming
from tests.benchmarks.events import empty, file_added
from tests.benchmarks.measure import Figure, alternate, at_most, seconds_of, size

TURNS, CHANGES = size(25, 9), 80
REPETITIONS = size(7, 3)
PRODUCERS = 8
POKE_SECONDS = 0.02
PRODUCED = size(250, 60)


def main() -> None:
    """One producer with and without an event; eight with and without wake-ups."""
    if len(sys.argv) > 2:
        produce(sys.argv[2])
        return
    # A relay that asks to be woken each time and never comes: the producer's own cost at its highest.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as sleeper:
        sleeper.execute("SELECT pg_advisory_lock(%s, 0)", [waking.AWAKE_CLASS])
        without, with_event = alternate(TURNS, lambda: milliseconds(False), lambda: milliseconds(True))
    empty()
    with consuming("relay"):
        beside_relay = alternate(TURNS, lambda: milliseconds(False), lambda: milliseconds(True))
        quiet, woken = alternate(REPETITIONS, lambda: rate("silent"), lambda: rate("waking"))
    Figure(
        "transaction with one event",
        f"{with_event:.2f} ms",
        f"the same without {without:.2f} ms",
        *at_most(with_event, without, 1.5),
    ).tell()
    Figure(
        "for comparison, relay at work",
        f"{beside_relay[1]:.2f} ms",
        f"the same without {beside_relay[0]:.2f} ms",
        f"{beside_relay[1] / beside_relay[0]:.2f} ×",
    ).tell()
    share = woken / quiet
    Figure(
        f"{PRODUCERS} producers with wake-ups",
        f"{woken:,.0f}/s",
        f"without wake-ups {quiet:,.0f}/s",
        f"{share:.0%}",
        "≥ 75 %",
        share >= 0.75,
    ).tell()


def change(event: bool) -> None:
    """A transaction with one row of a change, and its event."""
    with transaction.atomic():
        feed = Feed.objects.create(batch_id=uuid4(), owner_id=1)
        if event:
            emit(file_added(feed.batch_id))


def changes(event: bool) -> None:
    """Many of them."""
    for _ in range(CHANGES):
        change(event)


def milliseconds(event: bool) -> float:
    """Milliseconds of one such transaction."""
    return 1000 * seconds_of(lambda: changes(event)) / CHANGES


@contextmanager
def poking() -> Iterator[None]:
    """Keep the relay as busy as wake-ups would, at no cost to the producers."""
    stop = threading.Event()

    def poke() -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
            while not stop.wait(POKE_SECONDS):
                link.execute(f"NOTIFY {waking.CHANNEL}".encode())

    thread = threading.Thread(target=poke)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def rate(mode: str) -> float:
    """Transactions per second of all producers together."""
    with poking() if mode == "silent" else nullcontext():
        return produced(mode)


def produced(mode: str) -> float:
    """The same, whatever wakes the relay."""
    command = [sys.executable, "-m", "tests.benchmarks.one", "enqueue", mode]
    producers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(PRODUCERS)
    ]
    for producer in producers:
        assert producer.stdout is not None
        producer.stdout.readline()
    began = time.perf_counter()
    for producer in producers:
        assert producer.stdin is not None
        producer.stdin.write(b"\n")
        producer.stdin.flush()
    for producer in producers:
        producer.communicate()
    assert not any(producer.returncode for producer in producers)
    return PRODUCERS * PRODUCED / (time.perf_counter() - began)


def produce(mode: str) -> None:
    """Be one producer: say that all is loaded, wait for the start, go."""
    if mode == "silent":
        outbox.INSERT = outbox.INSERT.replace(waking.WAKE, "event_id")
    change(True)
    os.write(1, b"loaded\n")
    sys.stdin.readline()
    for _ in range(PRODUCED):
        change(True)
