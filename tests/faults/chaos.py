"""``make chaos SEED=7 MINUTES=3``: load and faults together, then proof that nothing is lost or done twice.

Everything is decided by the seed: run it again to see the same faults against the same clients.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests import guard
from tests.faults.calls import Reached
from tests.faults.checker import Checker, counts_differ, snapshot_counts
from tests.faults.clients import CANARY, Client
from tests.faults.history import History, read_history
from tests.faults.nemesis import Nemesis
from tests.faults.readers import PollingReader, Reader, SocketReader
from tests.faults.world import World
from tests.installation import free_port

CLIENTS = 4
TEACHERS = 2
READERS = 7  # batches of each teacher followed, each by a socket and by polling; a user may hold 8 sockets
QUIET_SECONDS = 60.0
CONVERGE_SECONDS = 60.0  # a page that hears nothing for 45 seconds leaves and comes back


@dataclass
class Report:
    """What a run did and found."""

    seed: int
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    quiet_seconds: float = 0.0
    converged_seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The summary for people."""
        lines = [f"seed {self.seed}"]
        lines += [f"{number:6} {name}" for name, number in sorted(self.requests.items())]
        lines.append("answers: " + ", ".join(f"{k}: {n}" for k, n in sorted(self.statuses.items())))
        lines.append("faults and the seconds until everything was ready again:")
        for name, number in sorted(self.faults.items()):
            lines.append(f"{number:6} {name}")
        for name, seconds in sorted(self.recoveries.items()):
            worst, median = max(seconds), sorted(seconds)[len(seconds) // 2]
            lines.append(f"       worst {worst:5.1f}  median {median:5.1f}  {name}")
        lines.append(
            f"quiet after {self.quiet_seconds:.1f} s, pages right after {self.converged_seconds:.1f} s"
        )
        lines.append(f"{len(self.violations)} violations")
        return "\n".join([*lines, *(f"  {line}" for line in self.violations)])


class Chaos:
    """One run against an installation of its own in ``folder``."""

    def __init__(self, folder: Path, seed: int, seconds: float) -> None:
        self.folder = folder
        self.seed = seed
        self.seconds = seconds
        self.installation = Reached(folder / "var", free_port())
        self.world = World(self.installation)
        self.history = History(folder / "history.jsonl")
        self.readers: list[Reader] = []
        self.threads: list[threading.Thread] = []
        self.nemesis = Nemesis(self.world, self.history, random.Random(f"{seed}/nemesis"), self.readers)  # noqa: S311
        self.report = Report(seed)
        self._opening = threading.Lock()

    def run(self) -> Report:
        """Start, trouble, wait for quiet, check, stop."""
        try:
            self.installation.start()
            clients = self.start_clients()
            self.trouble()
            self.settle(clients)
            self.check_readers()
            self.close_readers()
            self.check()
        finally:
            self.installation.stop()
        return self.report

    def close_readers(self) -> None:
        """Close all pages, and with them the history."""
        for reader in self.readers:
            reader.stop.set()
        for reader in self.readers:
            if isinstance(reader, SocketReader):
                reader.drop()
        self.history.close()

    def start_clients(self) -> list[Client]:
        """Two teachers with two programs each."""
        tokens = [self.world.add_account(f"{CANARY}{number}") for number in range(TEACHERS)]
        clients = [
            Client(number, self.installation, tokens[number % TEACHERS], self.history, self.seed, self.opened)
            for number in range(CLIENTS)
        ]
        for client in clients:
            self.begin(client.run)
        return clients

    def begin(self, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own."""
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)

    def opened(self, batch_id: str, token: str) -> None:
        """A batch was registered: two pages are opened on it, as long as there are not too many."""
        with self._opening:
            if sum(reader.token == token for reader in self.readers) >= 2 * READERS:
                return
            for number, kind in enumerate((SocketReader, PollingReader)):
                choose = random.Random(f"{self.seed}/reader/{len(self.readers) + number}")  # noqa: S311
                reader = kind(self.installation, token, batch_id, self.history, choose)
                self.readers.append(reader)
                self.begin(reader.run)

    def trouble(self) -> None:
        """Faults until the time is up."""
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            time.sleep(self.nemesis.choose.uniform(0.2, 2.5))
            self.nemesis.strike()

    def settle(self, clients: list[Client]) -> None:
        """Let clients finish what they began, then wait for quiet."""
        began = time.monotonic()
        for client in clients:
            client.stop.set()
            client.give_up_at = began + QUIET_SECONDS
        for thread in self.threads[: len(clients)]:
            thread.join(QUIET_SECONDS + 40)
        try:
            self.world.wait_quiet(QUIET_SECONDS)
        except AssertionError as error:
            self.report.violations.append(f"I3: {error}")
        self.report.quiet_seconds = time.monotonic() - began

    def check_readers(self) -> None:
        """I5: every page shows what a fresh one shows, and every count is what the rows say."""
        began = time.monotonic()
        wrong: list[str] = []
        while time.monotonic() - began < CONVERGE_SECONDS:
            wrong = [text for reader in self.readers if (text := self.difference(reader))]
            if not wrong:
                break
            time.sleep(0.5)
        self.report.converged_seconds = time.monotonic() - began
        self.report.violations += [f"I5: {text}" for text in wrong]

    def difference(self, reader: Reader) -> str:
        """What is wrong about one page; empty when nothing is."""
        snapshot = self.installation.get(f"/v1/batches/{reader.batch_id}", reader.token).body
        if not isinstance(snapshot, dict) or "counts" not in snapshot:
            return f"batch {reader.batch_id} cannot be read: {snapshot}"
        text = reader.differs_from(snapshot)
        with self.world.connect() as connection:
            text = text or counts_differ(snapshot, snapshot_counts(connection, reader.batch_id))
        return f"{type(reader).__name__} of {reader.batch_id} {text}" if text else ""

    def check(self) -> None:
        """Run the independent checker over what is left, and gather the figures."""
        facts = list(read_history(self.history.path))
        checker = Checker(self.world.database_url, self.world.content, self.world.var / "logs", facts, CANARY)
        self.report.violations += checker.check()
        self.report.recoveries = self.nemesis.recoveries
        for fact in facts:
            if fact["kind"] == "fault":
                self.report.faults[fact["name"] + ("" if fact["done"] else " (nothing to hit)")] += 1
            elif fact["kind"] == "not ready":
                self.report.violations.append(f"not ready a minute after {fact['faults']}")
            else:
                self.report.requests[fact["kind"]] += 1
                if "status" in fact:
                    self.report.statuses[str(fact["status"])] += 1


def main(arguments: list[str]) -> int:
    """Run once; 1 when something was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="folder to keep history, logs and state in")
    options = parser.parse_args(arguments)
    with guard.folder("huleedu-chaos-") as temporary:
        folder = options.keep or temporary
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        report = Chaos(folder, options.seed, options.minutes * 60).run()
    sys.stdout.write(f"{report.text()}\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
