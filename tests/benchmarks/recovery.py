"""Seconds from ``kill -9`` until work goes on: ``python -m tests.benchmarks.recovery [KILLS [PART …]]``.

Work goes on when an upload is answered (web, PostgreSQL), an event is relayed (relay), a step has ended
(steps), a message can be published (Valkey). Each part is killed while the installation is idle and has run
for a few seconds. A cluster is killed by its parent; ``relay takeover`` kills the cluster whose relay leads.
``everything`` kills all processes at once, embedded servers included, in the middle of uploads, and starts
again; it is back when ``/readyz`` says so. ``beside load`` does so while one processor is busy.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median
from uuid import uuid4

import psycopg
from redis import RedisError

from huleedu.machine.supervisor import SETTLED_SECONDS
from tests import guard
from tests.benchmarks.processes import family
from tests.faults.calls import Reached
from tests.faults.clients import ESSAY
from tests.faults.world import World, children, kill
from tests.installation import free_port, wait_until

KILLS = 20
START_AGAIN = "start again"
EVERYTHING = "everything"
BESIDE_LOAD = "beside load"
UPLOADS_AT_ONCE = 6
UPLOADING_SECONDS = 3.0
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.01
TARGET_SECONDS = 5.0
TAKEOVER_SECONDS = 0.5
RELAYED = "SELECT count(*) FROM huleedu_loggedevent WHERE batch_id = %s"
READ = "SELECT count(*) FROM files_fileupload WHERE batch_id = %s AND status <> 'processing'"


def until(condition: Callable[[], bool]) -> None:
    """Wait closely. Raises ``TimeoutError``."""
    over = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > over:
            raise TimeoutError
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Part:
    """What is killed, the work that shows that it is back, and how long that may take."""

    victims: Callable[[], list[int]]
    work: Callable[[str], None]
    target: float = TARGET_SECONDS


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

    def relay_process(self) -> list[int]:
        """The relay that leads, while another one stands by."""
        return self.world.relays() if self.world.relays("standby") else []

    def relay_cluster(self) -> list[int]:
        """The parent of the relay cluster, while its relay leads and another one stands by."""
        if not self.relay_process():
            return []
        if self.world.leading() == "standby":
            kill(self.world.pid("standby"))  # roles swap
            return []
        return [self.world.pid("relay")]

    def measure(self, part: Part) -> float:
        """Kill the first victim and return the seconds until the work is done."""
        batch_id = self.register(50)
        while not part.victims():
            time.sleep(POLL_SECONDS)
        time.sleep(SETTLED_SECONDS)  # nothing is being started, and the supervisor forgives the last death
        self.world.wait_quiet()
        while not (found := part.victims()):
            time.sleep(POLL_SECONDS)
        began = time.monotonic()
        assert kill(found[0])
        part.work(batch_id)
        return time.monotonic() - began

    def killed_under_load(self) -> float:
        """Kill every process while uploads are on their way; seconds from the new start until it is ready."""
        batch_id, over = self.register(200), threading.Event()
        teachers = [
            threading.Thread(target=self.upload_on, args=(batch_id, over)) for _ in range(UPLOADS_AT_ONCE)
        ]
        for teacher in teachers:
            teacher.start()
        time.sleep(UPLOADING_SECONDS)
        at = self.world.installation
        assert at.process is not None
        for pid, _parent in list(family(at.process.pid)):
            kill(pid)
        over.set()
        for teacher in teachers:
            teacher.join()
        at.process.wait()
        began = time.monotonic()
        at.start()
        seconds = time.monotonic() - began
        self.step_ended(self.register())
        tell(f"  {seconds:.2f} s to ready, {time.monotonic() - began:.2f} s to the first new file read")
        return seconds

    def upload_on(self, batch_id: str, over: threading.Event) -> None:
        """Send fresh essays, one after the other; what is not answered is not repeated."""
        while not over.is_set():
            self._number += 1
            data = ESSAY.format(canary=uuid4(), number=self._number).encode()
            self.world.installation.upload(batch_id, self.token, "e.txt", data, str(uuid4()))


@contextmanager
def busy_processor() -> Iterator[None]:
    """Keep one processor busy with something else."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            yield
        finally:
            other.kill()


def parts(bench: Bench) -> dict[str, Part]:
    """Everything that can be killed, by name."""
    world = bench.world
    return {
        "relay takeover": Part(bench.relay_cluster, bench.event_relayed, TAKEOVER_SECONDS),
        "relay process": Part(bench.relay_process, bench.event_relayed, TAKEOVER_SECONDS),
        "web": Part(lambda: [world.pid("web")], bench.upload_answered),
        "step worker": Part(bench.step_workers, bench.step_ended),
        "step pusher": Part(lambda: world.role("steps"), bench.step_ended),
        "step guard": Part(lambda: children(world.pid("steps")), bench.step_ended),
        "step cluster": Part(lambda: [world.pid("steps")], bench.step_ended),
        "PostgreSQL": Part(lambda: [world.pid("postgres")], bench.upload_answered),
        "Valkey": Part(lambda: [world.pid("valkey")], bench.message_published),
    }


def table(bench: Bench, kills: int, only: list[str]) -> None:
    """Print the figures as they come; of all parts when ``only`` names none."""
    tell(f"{'killed':16}{'kills':>6}{'median':>9}{'worst':>9}{'target':>9}   (seconds until work goes on)")
    for name, part in parts(bench).items():
        if not only or name in only:
            tell_row(name, [bench.measure(part) for _ in range(kills)], part.target)
    if not only or START_AGAIN in only:
        tell_row(START_AGAIN, [cold_start(bench.world) for _ in range(kills)], TARGET_SECONDS)
    if not only or EVERYTHING in only:
        tell_row(EVERYTHING, [bench.killed_under_load() for _ in range(kills)], TARGET_SECONDS)
    if not only or BESIDE_LOAD in only:
        with busy_processor():
            tell_row(BESIDE_LOAD, [bench.killed_under_load() for _ in range(kills)], TARGET_SECONDS)


def tell_row(name: str, seconds: list[float], target: float) -> None:
    """Print one part's figures beside its target."""
    verdict = "met" if max(seconds) <= target else "missed"
    tell(f"{name:16}{len(seconds):6}{median(seconds):9.2f}{max(seconds):9.2f}{target:9.1f}   {verdict}")


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
    with guard.folder("huleedu-recovery-") as folder:
        folder.chmod(0o711)
        world = World(Reached(folder / "var", free_port()))
        try:
            world.installation.start()
            wait_until(world.is_ready, 30, "everything is well")
            table(Bench(world), kills, arguments[1:])
        finally:
            world.installation.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
