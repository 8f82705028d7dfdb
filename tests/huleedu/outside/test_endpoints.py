"""The door to things outside: a deadline for the caller, bounded threads behind, and a breaker between."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from django.test import Client
from prometheus_client import generate_latest

from huleedu.outside import endpoints
from huleedu.outside.breaker import PAUSE_SECONDS
from huleedu.outside.endpoints import Endpoint, Unanswered, budget
from huleedu.outside.metrics import REGISTRY
from tests.log_capture import captured_logs, lines_of

NUMBERS = count()


class Wall:
    """Calls that hang until it falls."""

    def __init__(self) -> None:
        self.fallen = threading.Event()
        self.calls = 0

    def call(self) -> str:
        """Hang, then answer."""
        self.calls += 1
        assert self.fallen.wait(60)
        return "late"


@pytest.fixture
def wall() -> Iterator[Wall]:
    found = Wall()
    yield found
    found.fallen.set()


@pytest.fixture
def door() -> Endpoint:
    return Endpoint(f"test{next(NUMBERS)}", 3, lambda error: isinstance(error, ConnectionError))


def threads_of(door: Endpoint) -> int:
    return sum(thread.name.startswith(f"{door.name}-") for thread in threading.enumerate())


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def fail(error: Exception) -> Any:
    raise error


def test_values_and_exceptions_come_through(door: Endpoint) -> None:
    assert door.call(lambda: "yes", 5) == "yes"
    with pytest.raises(TimeoutError):
        door.call(lambda: fail(TimeoutError()), 5)
    assert door.call_each([lambda: 1, lambda: 2, lambda: 3, lambda: 4], 5) == [1, 2, 3, 4]
    assert door.call_each([], 5) == []


def test_a_call_that_hangs_is_left_and_the_next_ones_are_refused_at_once(door: Endpoint, wall: Wall) -> None:
    with pytest.raises(Unanswered):
        door.call(wall.call, 0.1)
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(Unanswered):
            door.call(wall.call, 5)
    assert time.monotonic() - began < 1
    assert wall.calls == 1 and threads_of(door) == 1


def test_no_more_threads_hang_than_there_may_be(door: Endpoint, wall: Wall, monkeypatch: Any) -> None:
    monkeypatch.setattr(door.breaker, "enter", time.monotonic)  # as if it never opened
    for _ in range(10):
        with pytest.raises(Unanswered):
            door.call(wall.call, 0.02)
    assert wall.calls == 3 and threads_of(door) == 3
    wall.fallen.set()
    wait_for(lambda: not door.breaker.is_open)
    assert door.call(lambda: "yes", 5) == "yes"
    assert wall.calls == 3, "calls that had not begun when they were given up never begin"


def test_a_full_door_is_left_alone_like_one_that_hangs(door: Endpoint, wall: Wall) -> None:
    with pytest.raises(Unanswered):
        door.call_each([wall.call] * 6, 0.1)
    assert wall.calls == 3 and door.breaker.is_open


def test_it_closes_as_soon_as_what_hung_comes_back(door: Endpoint, wall: Wall) -> None:
    with pytest.raises(Unanswered):
        door.call(wall.call, 0.05)
    wall.fallen.set()
    wait_for(lambda: not door.breaker.is_open)
    assert door.call(lambda: "yes", 5) == "yes"


def test_whoever_waits_is_told_with_the_first_who_waited_in_vain(door: Endpoint, wall: Wall) -> None:
    def ask(pause: float) -> float:
        time.sleep(pause)
        began = time.monotonic()
        with pytest.raises(Unanswered):
            door.call(wall.call, 1.0)
        return time.monotonic() - began

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, [0.0, 0.7])
    assert first >= 1.0 and second < 0.7


def test_failures_of_others_end_nobodys_waiting(door: Endpoint, wall: Wall) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(door.call, wall.call, 30)
        wait_for(lambda: wall.calls == 1)
        for _ in range(5):
            with pytest.raises(ConnectionError):
                door.call(lambda: fail(ConnectionError()), 5)
        assert door.breaker.is_open
        wall.fallen.set()
        assert slow.result(10) == "late"


def test_an_answer_that_is_an_error_closes_too(door: Endpoint, monkeypatch: Any) -> None:
    for _ in range(5):
        with pytest.raises(ConnectionError):
            door.call(lambda: fail(ConnectionError()), 5)
    with pytest.raises(Unanswered):
        door.call(lambda: "yes", 5)
    monkeypatch.setattr("huleedu.outside.breaker.PAUSE_SECONDS", 0.0)
    door.breaker._next_probe_at = 0.0
    with pytest.raises(PermissionError):
        door.call(lambda: fail(PermissionError()), 5)
    assert door.call(lambda: "yes", 5) == "yes"


def test_a_request_waits_once_for_an_endpoint_that_hangs(
    door: Endpoint, wall: Wall, monkeypatch: Any
) -> None:
    monkeypatch.setattr(door.breaker, "enter", time.monotonic)  # the budget alone must do
    began = time.monotonic()
    with budget(0.3):
        for _ in range(20):
            with pytest.raises(Unanswered):
                door.call(wall.call, 0.3)
    assert 0.3 <= time.monotonic() - began < 1.2


def test_quick_calls_cost_a_request_nothing_and_slow_ones_add_up(door: Endpoint, monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoints, "FREE_SECONDS", 0.05)

    def slow() -> str:
        time.sleep(0.2)
        return "slow"

    with budget(0.4):
        assert [door.call(lambda: "yes", 1) for _ in range(50)] == ["yes"] * 50
        done = 0
        with pytest.raises(Unanswered):
            while done < 10:
                done += door.call(slow, 1) == "slow"
    assert 1 <= done <= 3
    assert not door.breaker.is_open, "a request that ran out of time says nothing of the endpoint"
    assert door.call(slow, 1) == "slow", "outside of the request there is no such limit"


def test_a_request_ends_before_a_server_would_answer_for_it(door: Endpoint, monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoints, "REQUEST_SECONDS", 0.2)
    with budget(5), pytest.raises(Unanswered):
        while True:
            door.call(lambda: time.sleep(0.01), 1)


def test_threads_do_not_keep_a_process_from_ending_and_a_child_begins_anew(
    door: Endpoint, wall: Wall
) -> None:
    with pytest.raises(Unanswered):
        door.call(wall.call, 0.05)
    child = os.fork()
    if child == 0:  # threads are not inherited, and neither is what they were at
        os._exit(0 if door.call(lambda: "yes", 5) == "yes" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_opening_and_closing_are_logged_and_counted(door: Endpoint, wall: Wall) -> None:
    with captured_logs() as text:
        with pytest.raises(Unanswered):
            door.call(wall.call, 0.05)
        shown = generate_latest(REGISTRY).decode()
        assert f'circuit_open{{endpoint="{door.name}"}} 1.0' in shown
        assert f'circuit_trips_total{{endpoint="{door.name}"}} 1.0' in shown
        wall.fallen.set()
        wait_for(lambda: not door.breaker.is_open)
        wait_for(lambda: f'circuit_open{{endpoint="{door.name}"}} 0.0' in generate_latest(REGISTRY).decode())
    # A thread that another test left behind may report meanwhile.
    lines = [line["event"] for line in lines_of(text) if line.get("endpoint") == door.name]
    assert lines == ["circuit.opened", "circuit.closed"]


def test_every_request_has_a_budget(client: Client, monkeypatch: Any) -> None:
    seen = []
    monkeypatch.setattr("huleedu.http.middleware.log_request", lambda *_: seen.append(endpoints.BUDGET.get()))
    client.get("/healthz")
    assert seen[0] is not None and endpoints.BUDGET.get() is None


def test_the_pause_is_shorter_than_what_clients_are_told_to_wait() -> None:
    assert PAUSE_SECONDS < 5
