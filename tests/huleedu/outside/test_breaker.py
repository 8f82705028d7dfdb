"""The circuit breaker: when it opens, who probes, what closes it. Time is given."""

import pytest

from huleedu.outside.breaker import FAILURES, PAUSE_SECONDS, PROBE_SECONDS, Breaker, CircuitOpen


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        self.now += 0.001  # no two calls begin at once
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns() -> list[bool]:
    return []


@pytest.fixture
def breaker(clock: Clock, turns: list[bool]) -> Breaker:
    return Breaker(turns.append, clock)


def refuses(breaker: Breaker) -> bool:
    """True when a call is not let through."""
    try:
        breaker.withdrawn(breaker.enter())
    except CircuitOpen:
        return True
    return False


def test_one_call_that_hangs_opens_it_when_no_other_comes_back(breaker: Breaker, turns: list[bool]) -> None:
    breaker.hung(breaker.enter())
    assert breaker.is_open and breaker.is_refusing and refuses(breaker)
    assert turns == [True]


def test_a_slow_call_among_good_ones_opens_nothing(breaker: Breaker) -> None:
    slow = breaker.enter()
    breaker.enter()
    breaker.succeeded()
    breaker.hung(slow)
    assert not breaker.is_open


def test_failures_in_a_row_open_it_and_a_success_between_starts_the_count_anew(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        breaker.failed(breaker.enter())
    breaker.enter()
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(breaker.enter())
    assert not breaker.is_open
    breaker.failed(breaker.enter())
    assert breaker.is_open


def test_after_a_pause_one_caller_probes_and_the_others_wait(breaker: Breaker, clock: Clock) -> None:
    breaker.hung(breaker.enter())
    clock.now += PAUSE_SECONDS
    assert not breaker.is_refusing
    breaker.enter()
    for _ in range(100):
        assert refuses(breaker)


def test_a_probe_that_fails_is_followed_after_another_pause(breaker: Breaker, clock: Clock) -> None:
    breaker.hung(breaker.enter())
    clock.now += PAUSE_SECONDS
    breaker.failed(breaker.enter())
    assert refuses(breaker)
    clock.now += PAUSE_SECONDS
    assert not refuses(breaker)


def test_a_probe_that_hangs_is_followed_when_it_came_back_or_after_long(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.hung(breaker.enter())
    clock.now += PAUSE_SECONDS
    probe = breaker.enter()
    breaker.hung(probe)
    clock.now += PROBE_SECONDS - 1
    assert refuses(breaker)
    clock.now += 1
    second = breaker.enter()
    breaker.hung(second)
    assert refuses(breaker)
    breaker.failed(second)
    clock.now += PAUSE_SECONDS
    assert not refuses(breaker)


def test_any_call_that_comes_back_well_closes_it_however_late(
    breaker: Breaker, clock: Clock, turns: list[bool]
) -> None:
    breaker.hung(breaker.enter())
    clock.now += 500
    breaker.succeeded()
    assert not breaker.is_open and not refuses(breaker)
    assert turns == [True, False]


def test_a_late_failure_of_an_old_call_does_not_end_the_probe(breaker: Breaker, clock: Clock) -> None:
    old = breaker.enter()
    breaker.hung(old)
    clock.now += PAUSE_SECONDS
    breaker.enter()
    breaker.failed(old)
    clock.now += PAUSE_SECONDS
    assert refuses(breaker)


def test_a_probe_that_was_never_made_leaves_the_next_one_its_turn(breaker: Breaker, clock: Clock) -> None:
    breaker.hung(breaker.enter())
    clock.now += PAUSE_SECONDS
    breaker.withdrawn(breaker.enter())
    clock.now += PAUSE_SECONDS
    assert not breaker.is_refusing
