"""Turns: few at a time, light takers first, nobody stuck."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from huleedu.api.turns import Turns

HEAVY, LIGHT = 1, 2


def nothing() -> None:
    """There is nothing to give up before waiting."""


@contextmanager
def queued(turns: Turns, takers: list[int]) -> Iterator[list[int]]:
    """Hold the only turn while ``takers`` queue; gives the list of who went, filled after the block."""
    went: list[int] = []

    def go(taker: int) -> None:
        with turns.taken(taker, 1, nothing):
            went.append(taker)

    threads = [threading.Thread(target=go, args=(taker,)) for taker in takers]
    with turns.taken(HEAVY, 1, nothing):
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(turns._waiting) < number:
                time.sleep(0.001)
        yield went
    for thread in threads:
        thread.join(10)


def test_who_asked_for_little_goes_before_who_asked_for_much() -> None:
    turns = Turns(1, pace=1.0, patience=10)
    with queued(turns, [HEAVY, HEAVY, HEAVY, LIGHT]) as went:
        pass
    assert went == [LIGHT, HEAVY, HEAVY, HEAVY]


def test_who_asked_for_much_is_not_put_off_for_ever() -> None:
    turns = Turns(1, pace=1.0, patience=10)
    with queued(turns, [HEAVY, LIGHT, LIGHT, LIGHT]) as went:
        pass
    assert went == [LIGHT, HEAVY, LIGHT, LIGHT]


def test_no_more_than_allowed_at_a_time() -> None:
    turns = Turns(2, pace=0.1, patience=10)
    inside, most = [], []

    def go(taker: int) -> None:
        with turns.taken(taker, 1, nothing):
            inside.append(taker)
            most.append(len(inside))
            time.sleep(0.005)
            inside.pop()

    threads = [threading.Thread(target=go, args=(number % 3,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 24
    assert max(most) == 2


def test_a_turn_that_never_ends_stops_nobody() -> None:
    turns = Turns(1, pace=0.1, patience=0.05)
    began = time.monotonic()
    with turns.taken(HEAVY, 1, nothing):
        for _ in range(3):
            with turns.taken(LIGHT, 1, nothing):
                pass
    assert 0.15 <= time.monotonic() - began < 5
    assert not turns._waiting
    with turns.taken(LIGHT, 1, nothing):
        pass


def test_a_failure_gives_the_turn_back() -> None:
    turns = Turns(1, pace=0.1, patience=60)
    for _ in range(3):
        with suppress(ValueError), turns.taken(HEAVY, 1, nothing):
            raise ValueError
    assert turns._free == 1


def test_clocks_of_takers_who_are_gone_are_forgotten() -> None:
    turns = Turns(1, pace=0.001, patience=1)
    for taker in range(50):
        with turns.taken(taker, 1, nothing):
            time.sleep(0.002)
    assert len(turns._clocks) <= 2


def test_who_waits_gives_up_what_others_need_and_who_does_not_keeps_it() -> None:
    turns = Turns(1, pace=0.1, patience=0.01)
    told: list[str] = []
    first, second = (partial(told.append, name) for name in ("first", "second"))
    with turns.taken(HEAVY, 1, first), turns.taken(LIGHT, 1, second):
        assert told == ["second"]


def test_many_things_count_as_many() -> None:
    turns = Turns(1, pace=1.0, patience=10)
    with turns.taken(LIGHT, 200, nothing):
        pass
    with queued(turns, [LIGHT, HEAVY, HEAVY]) as went:
        pass
    assert went == [HEAVY, HEAVY, LIGHT]
