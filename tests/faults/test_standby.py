"""The relay that leads is killed or freezes: the one that stands by goes on, and the dead one comes back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.teacher import register
from tests.faults.world import World, alive, kill
from tests.installation import ROOT, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
RELAYED = "SELECT count(*) FROM huleedu_loggedevent WHERE batch_id = %s"
FROZEN_SECONDS = 45.0  # signs of life stop counting after 15 s, and three checks must fail


@pytest.fixture
def batch_id(world: World, token: str) -> str:
    """A batch whose events show whether something relays; both relays are there."""
    wait_until(lambda: world.relays() and world.relays("standby"), 30, "one leads, one stands by")
    return register(world, token, 5)


def relay_one(world: World, token: str, batch_id: str, seconds: float) -> float:
    """Seconds until the event of a fresh decision is relayed."""
    known = world.count(RELAYED, batch_id)
    answer = world.installation.post(f"/v1/batches/{batch_id}/extend", {"seconds": 1}, token)
    assert answer.status == 200, answer
    return wait_until(lambda: world.count(RELAYED, batch_id) > known, seconds, "the event is relayed")


@pytest.mark.parametrize("whole", [False, True], ids=["process", "program"])
def test_another_relay_goes_on_at_once(world: World, token: str, batch_id: str, whole: bool) -> None:
    for _ in range(4):
        wait_until(lambda: world.relays() and world.relays("standby"), 30, "one leads, one stands by")
        leader = world.relays()[0]
        began = time.monotonic()
        assert kill(world.pid(world.leading()) if whole else leader)
        relay_one(world, token, batch_id, 10)
        assert time.monotonic() - began < 1.5
        assert world.relays() != [leader]


def test_a_standby_that_dies_stops_nothing_and_is_replaced(world: World, token: str, batch_id: str) -> None:
    (dead,) = world.relays("standby")
    kill(dead)
    assert relay_one(world, token, batch_id, 10) < 1.5
    wait_until(lambda: world.relays("standby") not in ([], [dead]), 30, "another one stands by")


def test_both_at_once(world: World, token: str, batch_id: str) -> None:
    for name in ("relay", "standby"):
        kill(world.pid(name))
    relay_one(world, token, batch_id, 20)


@contextmanager
def by_hand(world: World, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A relay that somebody starts beside those of the installation."""
    variables = {
        **os.environ,
        "HULEEDU_VAR": str(world.var),
        "HULEEDU_PROCESS": "relay",
        "Q_CLUSTER_NAME": "relay",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HULEEDU_FAILPOINT"):
        variables.pop(name, None)
    process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=variables)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("command", ["relay", "qcluster"])
def test_a_third_relay_waits_too_and_ends_when_it_is_told(
    world: World, token: str, batch_id: str, command: str
) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'huleedu_leadership'::regclass AND NOT granted"
    leader = world.relays()
    with by_hand(world, command) as third:
        wait_until(lambda: world.count(waiting) == 2, 30, "two stand by")
        assert world.relays() == leader
        assert relay_one(world, token, batch_id, 10) < 1.5
        third.send_signal(signal.SIGTERM)
        assert third.wait(10) == 0
    wait_until(lambda: world.count(waiting) == 1, 10, "one stands by")


def test_a_relay_that_freezes_is_ended_and_followed(world: World, token: str, batch_id: str) -> None:
    (frozen,) = world.relays()
    kill(frozen, signal.SIGSTOP)
    try:
        seconds = relay_one(world, token, batch_id, FROZEN_SECONDS)
        assert not alive(frozen), f"relayed after {seconds:.1f} s although it still holds the lock"
    finally:
        kill(frozen)


def test_a_restarted_database_finds_one_leader_and_one_standby(
    world: World, token: str, batch_id: str
) -> None:
    kill(world.pid("postgres"))
    wait_until(world.is_quiet, 30, "the database is back")
    relay_one(world, token, batch_id, 20)
    wait_until(lambda: len(world.relays()) == len(world.relays("standby")) == 1, 30, "each has its role")
