"""Processes that take what others commit, and write down when: a relay, or procrastinate's worker.

``consuming(kind)`` runs one beside a figure; ``Stamps`` reads what it wrote.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huleedu.events.vocabulary import BatchFileAdded
from huleedu.machine.stopping import Stop
from huleedu.relay.loop import Relay
from huleedu.subscriptions import SUBSCRIPTIONS
from tests.benchmarks.peers import Procrastinate

WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Stamps:
    """Number of a message → monotonic seconds when it was reacted to."""

    file: Path

    def read(self) -> dict[int, float]:
        """All that came so far."""
        lines = self.file.read_text().splitlines()
        return {int(number): float(at) for number, at in (line.split() for line in lines)}

    def wait(self, count: int) -> dict[int, float]:
        """Wait until ``count`` have come."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(found := self.read()) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count}"
            time.sleep(0.02)
        return found


@contextmanager
def consuming(kind: str) -> Iterator[Stamps]:
    """A consumer in a process of its own: ``relay`` or ``procrastinate``."""
    with tempfile.NamedTemporaryFile() as file:
        command = [sys.executable, "-m", "tests.benchmarks.one", "consumer", kind, file.name]
        process = subprocess.Popen(command)
        try:
            time.sleep(3)  # both sleep by then and wait to be woken
            yield Stamps(Path(file.name))
        finally:
            process.kill()
            process.wait()


def main() -> None:
    """Be the consumer that the command line names, until killed."""
    kind, path = sys.argv[2:]
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def stamp(number: int) -> None:
        os.write(descriptor, f"{number} {time.monotonic()}\n".encode())

    if kind == "relay":
        relay(stamp)
    else:
        Procrastinate(stamp).work()


def relay(stamp: Callable[[int], None]) -> None:
    """Relay events of new files, whose size is the message's number."""

    def note_size(event: BatchFileAdded) -> None:
        stamp(event.size)

    SUBSCRIPTIONS.clear()
    SUBSCRIPTIONS["BatchFileAdded"] = (note_size,)
    Relay().run(Stop())
