"""Health: /healthz asks nobody, /readyz names what is missing, the supervisor asks for the workers."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.core.files.base import ContentFile, File
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from files import content, storage
from files.models import StoredContent
from files.store import STORE
from huleedu.failures.errors import StorageFailed
from huleedu.fit.fitting import ANOTHER
from huleedu.machine.heartbeat import Asking, steps_are_stuck, steps_watch
from huleedu.models import RelayPresence, WorkItem
from huleedu.postgres import presence
from huleedu.watching import health
from huleedu.work.broker import ListeningBroker
from tests.processes import alive, own_facts

HERE = socket.gethostname()[:30]


def seen(role: str, seconds_ago: float = 0, host: str = HERE) -> None:
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    values = {"role": role, "seen_at": moment, "facts": own_facts()}
    RelayPresence.objects.update_or_create(name=f"{role}-{host}-1", defaults=values)


def queue(state: str, seconds_ago: float) -> WorkItem:
    moment = timezone.now() - timedelta(seconds=seconds_ago)
    return WorkItem.objects.create(
        step="extract",
        subject_id=uuid4(),
        batch_id=uuid4(),
        owner_id=1,
        file_upload_id=uuid4(),
        correlation_id=uuid4(),
        priority="NORMAL",
        rank=1,
        state=state,
        due_at=moment,
        leased_at=moment if state == "running" else None,
    )


@pytest.fixture
def everything(transactional_db: None) -> None:
    seen("relay")
    seen("steps")


def test_healthz_needs_no_database(client: Client, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.block():
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


def test_health_addresses_take_get_only(client: Client) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        for method in ("post", "put", "delete", "patch", "head"):
            assert getattr(client, method)(address).status_code == 405


def test_ready_when_everything_is_there(client: Client, everything: None, content_folder: Path) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": dict.fromkeys(health.CHECKS, "ok")}
    assert not [path for path in content_folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("role", "seconds"), [("relay", 16), ("steps", 21)])
def test_not_ready_without_a_fresh_sign_of_life(
    client: Client, everything: None, role: str, seconds: float
) -> None:
    seen(role, seconds)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failed"
    assert [name for name, state in answer.json()["checks"].items() if state != "ok"] == [role]


def test_redis_away_is_degraded_and_ready(
    client: Client, everything: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise ConnectionError

    monkeypatch.setitem(health.CHECKS, "redis", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["redis"] == "degraded"


def test_a_store_that_takes_nothing_is_not_ready(
    client: Client, everything: None, content_folder: Path
) -> None:
    content_folder.parent.mkdir(exist_ok=True)
    content_folder.write_text("a file where the folder should be")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["storage"]) == (503, "failed")


def test_a_database_away_is_told_and_not_raised(client: Client, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.block():
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "failed"


class Wall:
    """A check that hangs until it falls."""

    def __init__(self) -> None:
        self.fallen = threading.Event()
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> None:
        self.calls += 1
        assert self.fallen.wait(60)


@pytest.fixture
def wall() -> Iterator[Wall]:
    found = Wall()
    yield found
    found.fallen.set()
    until = time.monotonic() + 10
    while any(thread.name == "health" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)
    STORE.forget()


def ask(client: Client) -> tuple[dict[str, str], float]:
    """The checks of one probe, and how many seconds it took."""
    began = time.monotonic()
    answer = client.get("/readyz")
    checks: dict[str, str] = answer.json()["checks"]
    return checks, time.monotonic() - began


NEEDED = [name for name in health.CHECKS if name not in health.OPTIONAL]


@pytest.mark.parametrize("name", list(health.CHECKS))
def test_whatever_hangs_is_named_within_two_seconds(
    client: Client, everything: None, wall: Wall, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(health.CHECKS, name, wall)
    checks, seconds = ask(client)
    assert seconds < 2
    assert checks[name] == health.failure_of(name)
    before = list(health.CHECKS)[: list(health.CHECKS).index(name)]
    assert all(checks[each] == "ok" for each in (*before, *health.APART) if each != name)


def test_a_disk_that_hangs_is_named_and_probes_do_not_pile_up(
    client: Client, everything: None, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("files.storage.write_flushed", wall)
    threads = threading.active_count()
    for _ in range(3):
        checks, seconds = ask(client)
        assert (checks["storage"], checks["database"], seconds < 2) == ("failed", "ok", True)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: ask(Client()), range(50)))
    assert {checks["storage"] for checks, _ in found} == {"failed"}
    assert sorted(seconds for _, seconds in found)[25] < 2.5, "ten at a time on few cores"
    assert wall.calls <= 3
    assert threading.active_count() <= threads + 8


def test_everything_hangs_and_a_hundred_probes_cost_a_handful_of_threads(
    client: Client, everything: None, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.02)
    for name in health.CHECKS:
        monkeypatch.setitem(health.CHECKS, name, wall)
    for _ in range(100):
        checks, _seconds = ask(client)
        assert all(checks[each] == "failed" for each in NEEDED)
    assert wall.calls <= 3 * health.ROUNDS
    monkeypatch.setattr(health, "ANEW_SECONDS", 0.0)
    for _ in range(100):
        ask(client)
    assert wall.calls == 3 * health.ROUNDS


@pytest.fixture
def locked_presences(everything: None, wall: Wall) -> Iterator[None]:
    """For four seconds nobody can read the signs of life, as while a migration changes their table."""
    with psycopg.connect(url()) as session:
        session.execute("LOCK TABLE huleedu_relaypresence IN ACCESS EXCLUSIVE MODE")
        release = threading.Timer(4.0, session.rollback)
        release.start()
        yield
        release.join()


def test_signs_that_cannot_be_read_do_not_keep_a_probe(client: Client, locked_presences: None) -> None:
    began = time.monotonic()
    body = client.get("/readyz").json()
    assert time.monotonic() - began < 2
    assert (body["checks"]["database"], body["checks"]["agreement"]) == ("ok", "degraded")
    assert body["differences"] == []


def test_what_differs_is_told_although_a_later_check_hangs(
    client: Client, everything: None, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = alive("web", store=ANOTHER)
    monkeypatch.setitem(health.CHECKS, "agreement", wall)
    body = client.get("/readyz").json()
    assert (body["checks"]["processes"], body["checks"]["agreement"]) == ("failed", "degraded")
    assert body["differences"] == [{"process": stranger, "differs": "another store"}]


def test_a_round_that_hung_is_forgotten_when_it_comes_back(
    client: Client, everything: None, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(health.CHECKS, "database", wall)
        assert ask(client)[0]["database"] == "failed"
    wall.fallen.set()
    time.sleep(0.2)
    assert client.get("/readyz").status_code == 200


def url() -> str:
    names = {"dbname", "user", "password", "host", "port"}
    parameters = connection.get_connection_params()
    return " ".join(f"{name}={value}" for name, value in parameters.items() if name in names and value)


@pytest.mark.parametrize(
    ("signs", "work", "stuck"),
    [
        ({"steps": 1}, [], False),
        ({"steps": 30}, [], True),
        ({}, [], True),
        ({"steps": 1}, [("queued", 5)], False),
        ({"steps": 1}, [("queued", 12)], True),
        ({"steps": 1, "worker": 3}, [("queued", 60)], False),
        ({"steps": 40, "worker": 52}, [("running", 50), ("queued", 60)], False),
        ({"steps": 40, "worker": 92}, [("running", 90), ("queued", 60)], True),
    ],
)
def test_stuck_workers_are_told_from_busy_ones(
    transactional_db: None, signs: dict[str, float], work: list[tuple[str, float]], stuck: bool
) -> None:
    for role, seconds in signs.items():
        seen(role, seconds)
    for state, seconds in work:
        queue(state, seconds)
    with closing(Asking(url())) as asking:
        assert steps_are_stuck(asking) is stuck
        assert steps_watch(asking)() is not stuck


@pytest.mark.parametrize(
    ("here", "elsewhere", "work", "stuck"),
    [
        ({}, {"steps": 1, "worker": 1}, [("running", 5)], True),
        ({"steps": 30}, {"steps": 1, "worker": 1}, [], True),
        ({"steps": 30, "worker": 80}, {"steps": 1, "worker": 1}, [("running", 5)], True),
        ({"steps": 30, "worker": 50}, {"steps": 1, "worker": 1}, [], True),
        ({"steps": 30, "worker": 50}, {"steps": 1}, [("running", 48)], False),
        ({"steps": 30, "worker": 3}, {}, [("queued", 60)], False),
        ({"steps": 1}, {"steps": 40, "worker": 50}, [("running", 48), ("queued", 60)], False),
        ({"steps": 1}, {"steps": 300, "worker": 300}, [], False),
    ],
)
def test_another_machines_workers_hide_no_stuck_ones(
    transactional_db: None,
    here: dict[str, float],
    elsewhere: dict[str, float],
    work: list[tuple[str, float]],
    stuck: bool,
) -> None:
    for host, signs in ((HERE, here), ("elsewhere", elsewhere), (f"{HERE}x", elsewhere)):
        for role, seconds in signs.items():
            seen(role, seconds, host)
    for state, seconds in work:
        queue(state, seconds)
    with closing(Asking(url())) as asking:
        assert steps_are_stuck(asking) is stuck


def test_a_database_that_is_away_does_not_restart_workers() -> None:
    assert steps_are_stuck(Asking("host=127.0.0.1 port=1 dbname=none")) is False


def test_the_broker_of_the_steps_gives_a_sign_of_life(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huleedu.work.broker.WAIT_SECONDS", 0.01)
    monkeypatch.setattr(ListeningBroker, "_presence", presence.Presence("steps"))
    ListeningBroker("relay").dequeue()
    assert not RelayPresence.objects.exists()
    broker = ListeningBroker("steps")
    broker.dequeue()
    first = RelayPresence.objects.get(role="steps").seen_at
    broker.dequeue()
    assert RelayPresence.objects.get(role="steps").seen_at == first, "written at most every few seconds"
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.0)
    broker.dequeue()
    assert RelayPresence.objects.get(role="steps").seen_at > first


class Writes:
    """Counts what is written into the store, and can make it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        self.broken = False
        self.real = storage.write_flushed
        monkeypatch.setattr("files.storage.write_flushed", self)

    def __call__(self, path: Path, content: "File[bytes]") -> None:
        self.number += 1
        if self.broken:
            raise OSError(errno.EIO, "broken")
        self.real(path, content)


def test_strangers_who_ask_write_next_to_nothing(
    client: Client, everything: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = Writes(monkeypatch)
    monkeypatch.setattr(health, "PROBE_SECONDS", 600.0)  # twenty may take a busy machine more than a few
    for _ in range(20):
        assert client.get("/readyz").json()["checks"]["storage"] == "ok"
    assert writes.number == 1
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.0)
    client.get("/readyz")
    assert writes.number == 2, "after a few seconds it is looked at again"


def test_a_failure_that_anybody_met_ends_a_good_finding(
    client: Client, everything: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = Writes(monkeypatch)
    assert client.get("/readyz").json()["checks"]["storage"] == "ok"
    writes.broken = True
    with pytest.raises(StorageFailed):
        content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"x"))
    for _ in range(2):
        assert client.get("/readyz").json()["checks"]["storage"] == "failed"
    writes.broken = False
    assert client.get("/readyz").json()["checks"]["storage"] == "ok", "at once, not after a while"
