"""From a commit to the browser's socket at a real installation, with one dashboard and with a thousand."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction

from huleedu.accounts.authentication import make_token
from huleedu.embedded import installed_environment
from huleedu.events.outbox import emit
from tests.benchmarks.events import make_feeds, started
from tests.benchmarks.measure import Figure, note, percentile, size
from tests.benchmarks.teacher import installation

DASHBOARDS = size(1000, 100)
ONE, MANY = size(300, 60), size(600, 100)
BURST = 500
PAUSE_SECONDS = 0.02
SETTLE_SECONDS = 2.0
Socket = tuple[UUID, str]  # batch, token


def main() -> None:
    """Start an installation and measure from a process that has its database."""
    if len(sys.argv) > 2:
        drive(sys.argv[2], int(sys.argv[3]))
        return
    with installation() as at:
        environment = {**os.environ, **installed_environment(at.var), "HULEEDU_VAR": str(at.var)}
        web = at.processes(["huleedu.server"])[0]
        command = [sys.executable, "-m", "tests.benchmarks.one", "live", at.url, str(web)]
        subprocess.run(command, env=environment, check=True)


def drive(url: str, web: int) -> None:
    """All figures, one after the other."""
    sockets = [make_socket(number) for number in range(DASHBOARDS)]
    with dashboards(url, sockets[:1]) as clients:
        time.sleep(SETTLE_SECONDS)  # an installation that starts still loads its dictionaries
        tell("commit to browser, 1 dashboard", clients.delays(sockets[:1], ONE), 25)
        burst(clients, sockets[0])
    before = memory(web)
    with dashboards(url, sockets) as clients:
        time.sleep(SETTLE_SECONDS)
        each = (memory(web) - before) / len(sockets)
        tell(f"commit to browser, {DASHBOARDS} dashboards", clients.delays(sockets, MANY), 250)
    Figure(
        "server memory per dashboard", f"{each / 1024:.0f} kB", "", "", "≤ 60 kB", each <= 60 * 1024
    ).tell()


def tell(name: str, found: Sequence[float], limit: float) -> None:
    """Median for comparison, 99th percentile against the limit in milliseconds."""
    high = percentile(found, 0.99) * 1000
    shown = f"p50 {percentile(found, 0.5) * 1000:.1f}, p99 {high:.1f} ms"
    Figure(name, shown, "", "", f"p99 ≤ {limit:g} ms", high <= limit).tell()


def burst(clients: "Clients", socket: Socket) -> None:
    """Many commits without a pause; how long the last message takes."""
    tails = []
    for _ in range(3):
        sent: dict[str, float] = {}
        for _ in range(BURST):
            sent |= commit_one(socket[0])
        last = max(sent.values())
        time.sleep(SETTLE_SECONDS)
        tails.append((sent, last))
    arrived = clients.arrived()
    assert all(name in arrived for sent, _ in tails for name in sent), "a message is lost"
    found = [max(arrived[name] for name in sent) - last for sent, last in tails]
    tail = sorted(found)[1] * 1000
    Figure(f"tail after {BURST} commits", f"{tail:.1f} ms", "", "", "≤ 50 ms", tail <= 50).tell()


def make_socket(number: int) -> Socket:
    """A teacher with a batch and a token."""
    teacher = User.objects.create(username=f"bench-{number}")
    return make_feeds(1, teacher.pk)[0], make_token(teacher, "bench").secret


def commit_one(batch_id: UUID) -> dict[str, float]:
    """Commit one live event: file id → when."""
    file_upload_id, at = uuid4(), []
    with transaction.atomic():
        transaction.on_commit(lambda: at.append(time.monotonic()))
        emit(started(batch_id, file_upload_id))
    return {str(file_upload_id): at[0]}


def memory(process: int) -> int:
    """Bytes of memory that are the process's own."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


@dataclass
class Clients:
    """The process that is the browsers."""

    process: "subprocess.Popen[str]"

    def delays(self, sockets: Sequence[Socket], count: int) -> list[float]:
        """Seconds from each of ``count`` commits, spread over the batches, to its arrival."""
        sent: dict[str, float] = {}
        for number in range(count):
            sent |= commit_one(sockets[number * 7919 % len(sockets)][0])
            time.sleep(PAUSE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        arrived = self.arrived()
        assert sent.keys() <= arrived.keys(), f"{len(sent.keys() - arrived.keys())} messages are lost"
        return [arrived[name] - at for name, at in sent.items()]

    def arrived(self) -> dict[str, float]:
        """File id → when its message came."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("tell\n")
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        assert not found["lost"], f"{found['lost']} sockets were closed"
        arrived: dict[str, float] = found["arrived"]
        return arrived


@contextmanager
def dashboards(url: str, sockets: Sequence[Socket]) -> Iterator[Clients]:
    """Browsers in a process of their own, all connected."""
    command = [sys.executable, "-m", "tests.benchmarks.dashboards"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    order = {"url": url, "sockets": [(str(batch), token) for batch, token in sockets]}
    began = time.monotonic()
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "connected\n"
    note(f"{len(sockets)} connected in {time.monotonic() - began:.1f} s")
    try:
        yield Clients(process)
    finally:
        process.kill()
        process.communicate()
