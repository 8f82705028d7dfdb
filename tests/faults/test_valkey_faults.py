"""F25–F29: Valkey dies, forgets, is full, stands still or is absent; sockets are cut off."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import RedisError

from tests.faults.history import History
from tests.faults.readers import PollingReader, Reader, SocketReader
from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.world import World, kill
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
CONVERGE_SECONDS = 15.0


@pytest.fixture
def follow(world: World, token: str, tmp_path: Path) -> Iterator[Callable[[str], list[Reader]]]:
    """Opens two socket pages and a polling one on a batch; all are closed in the end."""
    history = History(tmp_path / "history.jsonl")
    opened: list[Reader] = []
    threads: list[threading.Thread] = []

    def open_pages(batch_id: str) -> list[Reader]:
        for number, kind in enumerate((SocketReader, SocketReader, PollingReader)):
            choose = random.Random(number)  # noqa: S311
            reader = kind(world.installation, token, batch_id, history, choose)
            opened.append(reader)
            threads.append(threading.Thread(target=reader.run, daemon=True))
            threads[-1].start()
        wait_until(lambda: all(reader.seq >= 0 for reader in opened), 10, "the pages are open")
        time.sleep(0.5)
        return opened

    yield open_pages
    for reader in opened:
        reader.stop.set()
        if isinstance(reader, SocketReader):
            reader.drop()
    for thread in threads:
        thread.join(10)
    history.close()


def differences(world: World, token: str, readers: list[Reader]) -> list[str]:
    """How pages differ from a fresh one."""
    snapshot = world.installation.get(f"/v1/batches/{readers[0].batch_id}", token).body
    return [text for reader in readers if (text := reader.differs_from(snapshot))]


def assert_converge(world: World, token: str, readers: list[Reader]) -> None:
    """Every page shows what a fresh one shows, before long."""
    until = time.monotonic() + CONVERGE_SECONDS
    while (wrong := differences(world, token, readers)) and time.monotonic() < until:
        time.sleep(0.2)
    assert wrong == []


def comes_back(reader: Reader) -> bool:
    """Cut the page off until it has come back with the position it was given."""
    if isinstance(reader, SocketReader):
        reader.drop()
    return not reader.long_away.is_set()


def without_memory(world: World) -> threading.Timer:
    """Valkey takes nothing more, and later it does again."""
    world.tell_valkey("CONFIG", "SET", "maxmemory-policy", "noeviction")
    world.tell_valkey("CONFIG", "SET", "maxmemory", "1mb")
    timer = threading.Timer(3, lambda: world.tell_valkey("CONFIG", "SET", "maxmemory", "128mb"))
    timer.start()
    return timer


FAULTS: dict[str, Callable[[World], object]] = {
    "killed": lambda world: kill(world.pid("valkey")),
    "flushed": lambda world: world.tell_valkey("FLUSHALL"),
    "full": without_memory,
    "paused": lambda world: world.tell_valkey("CLIENT", "PAUSE", "3000"),
    "subscribers cut off": lambda world: world.tell_valkey("CLIENT", "KILL", "TYPE", "pubsub"),
    "web server killed": lambda world: kill(world.pid("web")),
    "web server restarted": lambda world: kill(world.pid("web"), signal.SIGTERM),
}


@pytest.mark.parametrize("name", FAULTS)
def test_pages_end_up_right(
    world: World, token: str, follow: Callable[[str], list[Reader]], name: str
) -> None:
    batch_id = register(world, token, 3)
    readers = follow(batch_id)
    going_on = FAULTS[name](world)
    file_ids = upload_many(world, token, batch_id, 3)
    wait_completed(world, token, batch_id, file_ids)
    assert_converge(world, token, readers)
    if isinstance(going_on, threading.Timer):
        going_on.join()  # what it tells Valkey must not meet the next fault


def test_without_valkey_everything_works_but_live_messages(world: World, token: str) -> None:
    batch_id = register(world, token, 2)
    stopped = threading.Event()

    def keep_away() -> None:
        while not stopped.wait(0.02):
            kill(world.pid("valkey"))

    away = threading.Thread(target=keep_away)
    away.start()
    try:
        file_ids = upload_many(world, token, batch_id, 2)
        done = "SELECT count(*) FROM batches_batch WHERE id = %s AND status = 'completed'"
        wait_until(lambda: world.count(done, batch_id) == 1, 30, "the batch is completed")
        events = world.installation.get(f"/v1/batches/{batch_id}/events?after=0", token)
        assert events.status == 200
        assert world.installation.get("/readyz").status == 200
    finally:
        stopped.set()
        away.join(10)
    wait_until(lambda: answers(world), 20, "Valkey is back")
    wait_completed(world, token, batch_id, file_ids)


def answers(world: World) -> bool:
    """True when Valkey answers."""
    try:
        return bool(world.tell_valkey("PING"))
    except RedisError:
        return False


def test_a_page_that_was_away_long_catches_up_or_starts_over(
    world: World, token: str, follow: Callable[[str], list[Reader]]
) -> None:
    batch_id = register(world, token, 2)
    readers = follow(batch_id)
    for reader in readers:
        if isinstance(reader, SocketReader):
            reader.drop()
    wait_completed(world, token, batch_id, upload_many(world, token, batch_id, 2))
    # The log of long ago is gone, as after a day away: the position cannot be continued.
    for reader in readers:
        reader.long_away.set()
        wait_until(partial(comes_back, reader), 10, "the page comes back")
    assert_converge(world, token, readers)
