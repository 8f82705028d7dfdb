"""F11–F15, F17, F18: the database dies, restarts, throws everybody out, is full, is locked."""

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from tests.conftest import essay_bytes
from tests.faults.teacher import assert_all_holds, register, upload_many, wait_completed
from tests.faults.world import World, kill
from tests.installation import Answer, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
EXPECTED = {0, 200, 201, 409, 503}


def postmaster(world: World, number: signal.Signals) -> None:
    """Signal the first process of PostgreSQL."""
    assert kill(world.pid("postgres"), number)


def kill_backend(world: World) -> None:
    """Kill the process of one session: PostgreSQL then ends all sessions and recovers."""
    ((pid, *_),) = world.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() LIMIT 1"
    )
    assert kill(pid)


def terminate_all(world: World) -> None:
    """Throw everybody out, wherever their transactions are."""
    world.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = current_user AND pid <> pg_backend_pid()"
    )


FAULTS: dict[str, Callable[[World], None]] = {
    "killed": lambda world: postmaster(world, signal.SIGKILL),
    "stopped immediately": lambda world: postmaster(world, signal.SIGQUIT),
    "restarted": lambda world: postmaster(world, signal.SIGINT),
    "one session killed": kill_backend,
    "all sessions ended": terminate_all,
}


@pytest.mark.parametrize("name", FAULTS)
def test_under_load_nothing_is_lost(world: World, token: str, name: str) -> None:
    batch_id = register(world, token, 12)
    files: list[str] = []
    uploading = threading.Thread(target=lambda: files.extend(upload_many(world, token, batch_id, 12)))
    uploading.start()
    time.sleep(0.4)
    FAULTS[name](world)
    wait_until(lambda: world.installation.get("/readyz").status == 200, 20, "ready again")
    uploading.join(60)
    wait_completed(world, token, batch_id, files)


def test_while_it_is_away_people_are_told_to_come_back(world: World, token: str) -> None:
    batch_id = register(world, token, 1)
    ended = world.pid("postgres")
    answers: list[Answer] = []
    postmaster(world, signal.SIGKILL)
    until = time.monotonic() + 2
    while time.monotonic() < until:
        answers.append(world.installation.get(f"/v1/batches/{batch_id}", token))
        answers.append(world.installation.get("/healthz"))
    assert {answer.status for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert answer.headers["Retry-After"]
    wait_until(lambda: world.pid("postgres") not in {0, ended}, 10, "it was started again")


class Page:
    """A page that follows a batch and comes back, with some jitter, when it is cut off."""

    def __init__(self, world: World, token: str, batch_id: str, number: int) -> None:
        url = world.installation.url
        self.address = f"{url.replace('http', 'ws', 1)}/ws/batches/{batch_id}/"
        self.origin, self.token, self.number = Origin(url), token, number
        self.seqs: list[int] = []
        self.epoch = ""

    async def follow(self) -> None:
        """Follow for good."""
        while True:
            after = f"?after={self.seqs[-1] if self.seqs else 0}" + (
                f"&epoch={self.epoch}" if self.epoch else ""
            )
            headers = {"Authorization": f"Bearer {self.token}"}
            with suppress(OSError, WebSocketException, TimeoutError):
                opened = connect(self.address + after, additional_headers=headers, origin=self.origin)
                async with opened as socket:
                    async for text in socket:
                        self.take(json.loads(text))
            await asyncio.sleep(0.2 + self.number % 10 / 10)

    def take(self, message: dict[str, Any]) -> None:
        """One message."""
        self.epoch = message.get("epoch", self.epoch)
        if message["type"] == "event":
            self.seqs.append(message["seq"])


def test_pages_converge_after_a_restart(world: World) -> None:
    pages_of_each, batches = 8, 3
    tokens = [world.add_account(f"pages-{uuid4().hex[:8]}") for _ in range(batches)]
    ids = [register(world, each, 2) for each in tokens]
    pages = [
        Page(world, each, batch_id, number)
        for each, batch_id in zip(tokens, ids, strict=True)
        for number in range(pages_of_each)
    ]

    async def scenario() -> float:
        following = [asyncio.create_task(page.follow()) for page in pages]
        await asyncio.sleep(2)
        await asyncio.to_thread(postmaster, world, signal.SIGINT)
        for each, batch_id in zip(tokens, ids, strict=True):
            await asyncio.to_thread(upload_many, world, each, batch_id, 2)
        await asyncio.to_thread(world.wait_quiet)
        wanted = dict(world.query("SELECT batch_id::text, seq FROM huleedu_feed"))
        began = time.monotonic()
        while time.monotonic() - began < 15 and not all(
            page.seqs == list(range(1, wanted[page.address.split("/")[-2]] + 1)) for page in pages
        ):
            await asyncio.sleep(0.1)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 15


def take_all(held: list["psycopg.Connection[Any]"], stack: ExitStack, world: World) -> None:
    """Throw the application out and take its places too."""
    mine = [connection.info.backend_pid for connection in held]
    held[0].execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = current_user AND pid <> ALL(%s)",
        [mine],
    )
    with suppress(psycopg.OperationalError):
        while True:
            held.append(stack.enter_context(world.connect()))


def test_without_free_connections_it_answers_503_and_is_healthy(world: World, token: str) -> None:
    batch_id = register(world, token, 1)
    with ExitStack() as stack:
        held = [stack.enter_context(world.connect())]
        statuses = set()
        until = time.monotonic() + 20
        while time.monotonic() < until and 503 not in statuses:
            take_all(held, stack, world)
            statuses.add(world.installation.get(f"/v1/batches/{batch_id}", token).status)
            assert world.installation.get("/healthz").status == 200
        assert 503 in statuses
        assert statuses <= EXPECTED
    wait_completed(world, token, batch_id, upload_many(world, token, batch_id, 1))


@pytest.mark.parametrize("table", ["files_fileupload", "huleedu_outboxmessage", "batches_batch"])
def test_a_locked_table_delays_and_fails_nothing(world: World, token: str, table: str) -> None:
    batch_id = register(world, token, 2)
    files: list[str] = []
    with psycopg.connect(world.database_url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        uploading = threading.Thread(target=lambda: files.extend(upload_many(world, token, batch_id, 2)))
        uploading.start()
        time.sleep(3)
        connection.rollback()
    uploading.join(30)
    wait_completed(world, token, batch_id, files)


def test_a_deadlock_is_answered_and_repeated(world: World, token: str) -> None:
    batch_id = register(world, token, 2)
    (file_id,) = upload_many(world, token, batch_id, 1)
    world.wait_quiet()
    key = str(uuid4())
    answers: list[Answer] = []

    def replace() -> None:
        data = essay_bytes(990_001)
        answers.append(world.installation.put_content(file_id, token, "other.txt", data, key))

    with psycopg.connect(world.database_url) as connection:
        # The request takes the batch and then the file; this session takes them the other way round.
        connection.execute("SELECT 1 FROM files_fileupload WHERE id = %s FOR UPDATE", [file_id])
        asking = threading.Thread(target=replace)
        asking.start()
        time.sleep(0.7)
        with suppress(psycopg.errors.DeadlockDetected):
            connection.execute("SELECT 1 FROM batches_batch WHERE id = %s FOR UPDATE", [batch_id])
        connection.rollback()
    asking.join(30)
    assert answers[0].status == 200, answers
    world.wait_quiet()
    assert_all_holds(world)
