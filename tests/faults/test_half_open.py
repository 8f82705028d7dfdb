"""F30: connections that fall silent, are slow or break half-way, before the web server and behind it."""

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict
from websockets.sync.client import connect
from websockets.typing import Origin

from huleedu.embedded import throwaway
from huleedu.server import ARGUMENTS
from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.history import History
from tests.faults.proxy import Proxy, proxy
from tests.faults.readers import PollingReader, Reader, SocketReader
from tests.faults.teacher import assert_all_holds, register, status_of, upload_many, wait_completed
from tests.faults.wire import Hasty
from tests.faults.world import World
from tests.installation import Answer, free_port, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
ANSWER_SECONDS = 28.0
CONVERGE_SECONDS = 15.0


@dataclass
class Behind(World):
    """An installation that reaches its servers through bad networks; the tests reach them directly."""

    direct_url: str = ""

    @property
    def database_url(self) -> str:
        """PostgreSQL itself."""
        return self.direct_url


@dataclass(frozen=True)
class Network:
    """The installation and the proxies before its database and its Valkey."""

    world: Behind
    database: Proxy
    valkey: Proxy


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with ExitStack() as stack:
        servers = stack.enter_context(throwaway())
        facts = conninfo_to_dict(servers.database_url)
        database = stack.enter_context(proxy(f"{facts['host']}/.s.PGSQL.{facts.get('port', 5432)}"))
        database.keepalive = 11.0  # as the leading relay asks PostgreSQL to
        redis = urlsplit(servers.redis_url)
        valkey = stack.enter_context(proxy(unquote(redis.path)))
        reached = Reached(tmp_path_factory.mktemp("network") / "var", free_port())
        reached.variables["DATABASE_URL"] = (
            f"postgresql://{facts['user']}:{facts['password']}@127.0.0.1:{database.port}/{facts['dbname']}"
        )
        reached.variables["REDIS_URL"] = f"redis://:{redis.password}@127.0.0.1:{valkey.port}/0"
        stack.callback(reached.stop)
        reached.start()
        yield Network(Behind(reached, direct_url=servers.database_url), database, valkey)


@pytest.fixture
def follow(tmp_path: Path) -> Iterator["Follow"]:
    found = Follow(History(tmp_path / "history.jsonl"))
    yield found
    found.end()


class Follow:
    """Opens pages on a batch, and closes them in the end."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.running: list[tuple[Reader, threading.Thread]] = []

    def open(self, kind: type[Reader], reached: Reached, token: str, batch_id: str) -> Reader:
        """One page, when it has its snapshot."""
        choose = random.Random(len(self.running))  # noqa: S311
        reader = kind(reached, token, batch_id, self.history, choose)
        thread = threading.Thread(target=reader.run, daemon=True)
        thread.start()
        self.running.append((reader, thread))
        wait_until(lambda: reader.seq >= 0, 15, "the page is open")
        if isinstance(reader, SocketReader):
            wait_until(lambda: reader.socket is not None, 15, "the socket is open")
        return reader

    def end(self) -> None:
        """Close all."""
        for reader, thread in self.running:
            reader.stop.set()
            if isinstance(reader, SocketReader):
                reader.drop()
            thread.join(10)
        self.history.close()


def difference(world: World, token: str, reader: Reader) -> str:
    """How a page differs from a fresh one."""
    return reader.differs_from(world.installation.get(f"/v1/batches/{reader.batch_id}", token).body)


def assert_converges(world: World, token: str, reader: Reader) -> None:
    """The page shows what a fresh one shows, before long."""
    until = time.monotonic() + CONVERGE_SECONDS
    while (wrong := difference(world, token, reader)) and time.monotonic() < until:
        time.sleep(0.2)
    assert wrong == ""


def test_a_silent_database_is_noticed_and_left_behind(network: Network) -> None:
    world = network.world
    token = world.teacher_token()
    batch_id = register(world, token, 6)
    files = upload_many(world, token, batch_id, 2)
    network.database.fall_silent()
    try:
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(world.installation.get, f"/v1/batches/{batch_id}", token) for _ in range(4)]
            asked += [
                pool.submit(
                    world.installation.upload,
                    batch_id,
                    token,
                    "a.txt",
                    essay_bytes(830_000 + n),
                    str(uuid4()),
                )
                for n in range(4)
            ]
            wait_until(lambda: world.installation.get("/healthz").status == 200, 2, "the web server lives")
            answers: list[Answer] = [each.result() for each in asked]
        assert time.monotonic() - began < ANSWER_SECONDS
        for answer in answers:
            assert answer.status == 503, answer
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
    finally:
        network.database.heal()
    began = time.monotonic()
    wait_until(lambda: status_of(world, token, batch_id) != "", 10, "the web server has left it behind")
    files += upload_many(world, token, batch_id, 4)
    world.wait_quiet(60)
    wait_completed(world, token, batch_id, files)


def test_a_database_that_cuts_everybody_off(network: Network) -> None:
    world = network.world
    token = world.teacher_token()
    batch_id = register(world, token, 6)
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload_many, world, token, batch_id, 6)
        for _ in range(3):
            time.sleep(0.2)
            network.database.reset_all()
        files = uploading.result(60)
    wait_completed(world, token, batch_id, files)


def test_a_silent_valkey_stops_nothing(network: Network, follow: Follow) -> None:
    world = network.world
    token = world.teacher_token()
    batch_id = register(world, token, 2)
    before = follow.open(SocketReader, world.installation, token, batch_id)
    network.valkey.fall_silent()
    try:
        polling = follow.open(PollingReader, world.installation, token, batch_id)
        began = time.monotonic()
        files = upload_many(world, token, batch_id, 2)
        done = "SELECT count(*) FROM batches_batch WHERE id = %s AND status = 'completed'"
        wait_until(lambda: world.count(done, batch_id) == 1, 20, "the batch is completed")
        assert time.monotonic() - began < 20
        ready = world.installation.get("/readyz")
        assert (ready.status, ready.body["checks"]["redis"]) == (200, "degraded")
        assert_converges(world, token, polling)
        assert_converges(world, token, before)
    finally:
        network.valkey.heal()
    wait_completed(world, token, batch_id, files)
    wait_until(lambda: greets(world, token, batch_id), 30, "new pages are served")


def watched(port: int) -> list[bool]:
    """For each connection to ``port`` of this machine, whether the kernel soon asks if it still lives."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state, _, timer, *_ = line.split()
        if state == "01" and int(remote.split(":")[1], 16) == port:
            kind, ticks = timer.split(":")
            found.append(kind == "02" and int(ticks, 16) <= 10 * os.sysconf("SC_CLK_TCK"))
    return found


def test_the_kernel_watches_waiting_connections(network: Network, follow: Follow) -> None:
    world = network.world
    token = world.teacher_token()
    follow.open(SocketReader, world.installation, token, register(world, token, 1))
    wait_until(lambda: all(watched(network.database.port)), 15, "the database's connections are watched")
    assert len(watched(network.database.port)) > 3
    wait_until(lambda: any(watched(network.valkey.port)), 15, "the subscriber is watched")


def greets(world: World, token: str, batch_id: str) -> bool:
    """True when a new socket is greeted."""
    url = world.installation.url
    address = f"{url.replace('http', 'ws', 1)}/ws/batches/{batch_id}/"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with connect(address, additional_headers=headers, origin=Origin(url), open_timeout=3) as socket:
            return bool(json.loads(socket.recv(3))["type"] == "hello")
    except (OSError, TimeoutError):
        return False


def test_a_silent_page_is_closed_and_comes_back_without_loss(hasty: Hasty, follow: Follow) -> None:
    installation = Reached(
        hasty.installation.var, hasty.installation.port, accounts=hasty.installation.accounts
    )
    world = World(installation)
    token = world.add_account(f"silent-{uuid4().hex[:8]}")
    batch_id = register(world, token, 2)
    with proxy(("127.0.0.1", hasty.port)) as line:
        reader = follow.open(SocketReader, Reached(hasty.installation.var, line.port), token, batch_id)
        assert isinstance(reader, SocketReader)
        link = line.links[-1]
        line.fall_silent()
        began = time.monotonic()
        files = upload_many(world, token, batch_id, 1)
        wait_until(lambda: link.server_left_at > 0, 10, "the server closes the silent socket")
        assert 2 <= link.server_left_at - began < 8
        line.heal()
        reader.drop()  # as its page does after some silence
        files += upload_many(world, token, batch_id, 1)
        assert len(set(files)) == 2
        wait_until(lambda: status_of(world, token, batch_id) == "completed", 60, "the batch has ended")
        assert_converges(world, token, reader)


def test_the_installed_patience_with_silent_pages() -> None:
    seconds = {name: int(value) for name, value in pairwise(ARGUMENTS) if value.isdigit()}
    assert 20 <= seconds["--ping-interval"] + seconds["--ping-timeout"] <= 60


def test_two_seconds_of_latency(world: World, token: str, follow: Follow) -> None:
    batch_id = register(world, token, 2)
    with proxy(("127.0.0.1", world.installation.port)) as line:
        far = Reached(world.var, line.port)
        reader = follow.open(SocketReader, far, token, batch_id)
        line.delay = 1.0
        with ThreadPoolExecutor(2) as pool:
            uploads = [
                pool.submit(far.upload_until_answered, batch_id, token, f"{n}.txt", essay_bytes(840_000 + n))
                for n in range(2)
            ]
        answers = [each.result() for each in uploads]
        assert [answer.status for answer in answers] == [201, 201]
        files = [each["file_upload_id"] for answer in answers for each in answer.body["files"]]
        wait_completed(world, token, batch_id, files)
        assert_converges(world, token, reader)


def test_uploads_that_break_half_way_end_as_one_file(world: World, token: str) -> None:
    batch_id = register(world, token, 2)
    files = []
    with proxy(("127.0.0.1", world.installation.port)) as line:
        far = Reached(world.var, line.port)
        for number in range(2):
            key, data = str(uuid4()), essay_bytes(850_000 + number)
            line.cut_after, line.lose_answers = (None, True) if number else (300, False)
            assert far.upload(batch_id, token, "essay.txt", data, key).status == 0
            line.heal()
            wait_until(lambda: not is_running(world), 10, "the request is over")
            again = far.upload(batch_id, token, "essay.txt", data, key)
            assert again.status == 201, again
            assert again.headers.get("Idempotent-Replayed") == ("true" if number else None)
            files += [each["file_upload_id"] for each in again.body["files"]]
    wait_completed(world, token, batch_id, files)
    assert_all_holds(world)


def is_running(world: World) -> bool:
    """True while a request holds its key."""
    return world.count("SELECT count(*) FROM huleedu_idempotencyrecord WHERE status_code IS NULL") > 0
