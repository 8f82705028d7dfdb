"""Seconds from ``kill -9`` until work goes on: ``python -m tests.benchmarks.recovery [KILLS [PART …]]``.

Work goes on when an upload is answered (web, PostgreSQL), an event is relayed (relay), a step has ended
(steps), a message can be published (Valkey). Each part is killed while the installation is idle.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from redis import RedisError

from tests.faults.calls import Reached
from tests.faults.clients import ESSAY
from tests.faults.world import World, children, kill
from tests.installation import free_port, wait_until

KILLS = 20
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.01
RELAYED = "SELECT count(*) FROM huleedu_loggedevent WHERE batch_id = %s"
READ = "SELECT count(*) FROM files_fileupload WHERE batch_id = %s AND status <> 'processing'"


def until(condition: Callable[[], bool]) -> None:
    """Wait closely. Raises ``TimeoutError``."""
    over = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > over:
            raise TimeoutError
        time.sleep(POLL_SECONDS)


class Bench:
    """Kills parts of one installation and measures."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.token = world.teacher_token()
        self._number = 0

    def register(self, expected: int = 1) -> str:
        """A new batch, insisted on."""
        body = {"expected_essay_count": expected, "language": "en"}
        answers = []

        def registered() -> bool:
            answers.append(self.world.installation.post("/v1/batches/register", body, self.token))
            return answers[-1].status == 201

        until(registered)
        return str(answers[-1].body["batch_id"])

    def upload(self, batch_id: str) -> None:
        """A fresh essay, repeated until it is answered."""
        self._number += 1
        data, key = ESSAY.format(canary="bench ", number=self._number).encode(), str(uuid4())
        until(lambda: self.world.installation.upload(batch_id, self.token, "e.txt", data, key).status == 201)

    def grown(self, statement: str, batch_id: str, known: int) -> bool:
        """True when the count is above ``known``; False also while the database is away."""
        with suppress(psycopg.Error):
            return self.world.count(statement, batch_id) > known
        return False

    def upload_answered(self, batch_id: str) -> None:
        """Work of the web server and the database."""
        self.upload(batch_id)

    def event_relayed(self, batch_id: str) -> None:
        """Work of the relay."""
        known = self.world.count(RELAYED, batch_id)
        path = f"/v1/batches/{batch_id}/extend"
        assert self.world.installation.post(path, {"seconds": 1}, self.token).status == 200
        until(lambda: self.grown(RELAYED, batch_id, known))

    def step_ended(self, batch_id: str) -> None:
        """Work of the steps."""
        known = self.world.count(READ, batch_id)
        self.upload(batch_id)
        until(lambda: self.grown(READ, batch_id, known))

    def message_published(self, _batch_id: str) -> None:
        """Work of Valkey."""

        def published() -> bool:
            with suppress(RedisError):
                return self.world.tell_valkey("PUBLISH", "bench", "1") is not None
            return False

        until(published)

    def step_workers(self) -> list[int]:
        """Living workers; they are known by the work they have done."""
        if not self.world.role("worker"):
            self.step_ended(self.register())
        return self.world.role("worker")

    def measure(self, victims: Callable[[], list[int]], work: Callable[[str], None]) -> float:
        """Kill the first victim and return the seconds until ``work`` is done."""
        batch_id = self.register(50)
        self.world.wait_quiet()
        time.sleep(0.2)
        while not (found := victims()):
            time.sleep(POLL_SECONDS)
        began = time.monotonic()
        assert kill(found[0])
        work(batch_id)
        return time.monotonic() - began


def parts(bench: Bench) -> dict[str, tuple[Callable[[], list[int]], Callable[[str], None]]]:
    """What is killed, and the work that shows that it is back."""
    world = bench.world
    return {
        "web": (lambda: [world.pid("web")], bench.upload_answered),
        "relay": (world.relays, bench.event_relayed),
        "relay cluster": (lambda: [world.pid("relay")], bench.event_relayed),
        "step worker": (bench.step_workers, bench.step_ended),
        "step pusher": (lambda: world.role("steps"), bench.step_ended),
        "step guard": (lambda: children(world.pid("steps")), bench.step_ended),
        "step cluster": (lambda: [world.pid("steps")], bench.step_ended),
        "PostgreSQL": (lambda: [world.pid("postgres")], bench.upload_answered),
        "Valkey": (lambda: [world.pid("valkey")], bench.message_published),
    }


def table(bench: Bench, kills: int, only: list[str]) -> None:
    """Print the figures as they come; of all parts when ``only`` names none."""
    tell(f"{'killed':16}{'kills':>6}{'median':>9}{'worst':>9}   (seconds until work goes on)")
    for name, (victims, work) in parts(bench).items():
        if only and name not in only:
            continue
        seconds = sorted(bench.measure(victims, work) for _ in range(kills))
        tell(f"{name:16}{kills:6}{seconds[kills // 2]:9.2f}{seconds[-1]:9.2f}")


def tell(line: str) -> None:
    """Print one line now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def cold_start(world: World) -> float:
    """Seconds of a start with everything already made."""
    world.installation.stop()
    began = time.monotonic()
    world.installation.start()
    return time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Print the table."""
    kills = int(arguments[0]) if arguments else KILLS
    with tempfile.TemporaryDirectory(prefix="huleedu-recovery-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        world = World(Reached(folder / "var", free_port()))
        try:
            world.installation.start()
            wait_until(world.is_ready, 30, "everything is well")
            table(Bench(world), kills, arguments[1:])
            tell(f"start again     {cold_start(world):24.2f}")
        finally:
            world.installation.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
