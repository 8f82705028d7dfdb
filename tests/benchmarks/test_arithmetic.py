"""What the benchmarks reckon with."""

import os
import threading
import time
from collections import Counter

import pytest

from tests.benchmarks.cost.locks import Waited
from tests.benchmarks.measure import asked, at_most, percentile, take_turns, times
from tests.benchmarks.processes import Use, processor_of, spent


def use(name: str, processor: int) -> Use:
    """A process that has no memory worth telling."""
    return Use(name, processor, 0, 0)


def test_a_session_waits_from_look_to_look() -> None:
    waited = Waited()
    for now, sessions in ((10.0, 5), (10.5, 2), (11.0, 0), (12.0, 1)):
        waited.look(now, sessions)
    assert waited.seconds == 2 * 0.5 + 0 * 0.5 + 1 * 1.0


def test_what_was_used_before_does_not_count() -> None:
    before = {1: use("web", 100), 2: use("steps", 40)}
    after = {1: use("web", 130), 2: use("steps", 45), 3: use("steps", 7)}
    assert spent(before, after) == Counter(web=30, steps=12)


def test_what_has_ended_counts_once() -> None:
    """Its whole time is its parent's when it has ended."""
    before = {1: use("sandbox", 10), 2: use("sandbox", 50)}
    after = {1: use("sandbox", 10 + 50 + 8)}
    assert spent(before, after) == Counter(sandbox=8)


def test_threads_that_have_ended_count() -> None:
    def burn() -> None:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass

    before = processor_of(os.getpid())
    for _ in range(2):
        thread = threading.Thread(target=burn)
        thread.start()
        thread.join()
    assert processor_of(os.getpid()) - before > 0.35e9


def test_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> int:
        order.append(name)
        return len(order)

    assert take_turns(2, lambda: side("a"), lambda: side("b")) == [[1, 3], [2, 4]]
    assert order == ["a", "b", "a", "b"]


def test_bars_are_met_exactly_and_missed_above() -> None:
    assert times(20.0, 10.0, 2.0) == ("2.0 ×", "≥ 2 ×", True)
    assert times(19.9, 10.0, 2.0)[2] is False
    assert at_most(5.0, 10.0, 0.5) == ("0.50 ×", "≤ 0.5 ×", True)
    assert at_most(5.1, 10.0, 0.5)[2] is False


def test_percentiles_are_values_that_were_seen() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 3.0
    assert percentile([1.0], 0.95) == 1.0


def test_a_size_that_was_asked_for_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked("turns", 7, 7) == 7
    monkeypatch.setenv("BENCH_TURNS", "2")
    assert asked("turns", 7, 7) == 2
