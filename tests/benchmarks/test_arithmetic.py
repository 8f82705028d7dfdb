"""What the benchmarks reckon with."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from files.steps.validate import count_words
from tests.benchmarks.calls import watched
from tests.benchmarks.cost.locks import Waited, waiting
from tests.benchmarks.functions import inclusive
from tests.benchmarks.measure import asked, at_most, percentile, take_turns, times
from tests.benchmarks.processes import Use, processor_of, spent
from tests.benchmarks.sizes import functions


def use(name: str, processor: int, parent: int = 0) -> Use:
    """A process that has no memory worth telling."""
    return Use(name, processor, 0, 0, parent)


def test_a_session_waits_from_look_to_look() -> None:
    waited = Waited()
    for now, sessions in ((10.0, 5), (10.5, 2), (11.0, 0), (12.0, 1)):
        waited.look(now, sessions)
    assert waited.seconds == 2 * 0.5 + 0 * 0.5 + 1 * 1.0


def test_waits_for_a_lock_are_seen() -> None:
    address, lock = os.environ["DATABASE_URL"], "SELECT pg_advisory_lock(20), pg_advisory_unlock(20)"
    with (
        psycopg.connect(address, autocommit=True) as holder,
        psycopg.connect(address, autocommit=True) as other,
        waiting(address) as waited,
    ):
        holder.execute("SELECT pg_advisory_lock(20)")
        thread = threading.Thread(target=other.execute, args=(lock,))
        thread.start()
        began = time.monotonic()
        time.sleep(1)
        holder.execute("SELECT pg_advisory_unlock(20)")
        thread.join()
        held = time.monotonic() - began
        time.sleep(0.3)
    assert 0.5 * held < waited.seconds < 1.5 * held


def test_what_was_used_before_does_not_count() -> None:
    before = {1: use("web", 100), 2: use("steps", 40)}
    after = {1: use("web", 130), 2: use("steps", 45), 3: use("steps", 7)}
    assert spent(before, after) == Counter(web=30, steps=12)


def test_what_has_ended_counts_once() -> None:
    """Its whole time is that of whoever started it when it has ended, also when that one has ended too."""
    before = {1: use("steps", 10), 2: use("sandbox", 50, 1), 3: use("sandbox", 20, 2)}
    after = {1: use("steps", 10 + 50 + 20 + 8)}
    assert spent(before, after) == Counter(steps=8)


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


def test_lengths_of_functions_leave_decorators_out() -> None:
    source = "@cache\ndef outer():\n    async def inner():\n        pass\n\n    return inner\n"
    assert dict(functions(source)) == {"outer": 5, "inner": 2}


def test_functions_of_ours_with_names_are_counted_in_every_thread() -> None:
    def two_calls() -> None:
        sorted(count_words(text) for text in ("one", "two words"))

    with watched() as calls:
        calls.counting = True
        two_calls()
        thread = threading.Thread(target=two_calls)
        thread.start()
        thread.join()
        calls.counting = False
        two_calls()
    assert calls.named() == Counter({"files/steps/validate.py: count_words": 4})


def test_a_function_has_the_time_of_what_it_calls(tmp_path: Path) -> None:
    seen = [tmp_path / "1", tmp_path / "2", tmp_path / "never written"]
    seen[0].write_text("run (threading.py);post (files/api.py);emit (huleedu/events/outbox.py) 3\n")
    seen[1].write_text("post (files/api.py);post (files/api.py) 5\nwait (selectors.py) 2\n")
    assert inclusive(seen) == {"post (files/api.py)": 0.8, "emit (huleedu/events/outbox.py)": 0.3}
