"""Seats between processes: bounded for each kind of work, and free again when their process ends."""

import pytest
from pytest_django import Settings

from huleedu.work.seats import for_one_phase, seated
from tests.seats import all_taken, kill, sit_down


def test_no_more_than_the_seats_there_are() -> None:
    with all_taken("reading", 2), seated("reading", 2) as mine:
        assert not mine


def test_one_that_is_left() -> None:
    with all_taken("reading", 1), seated("reading", 2) as mine:
        assert mine
        _, late = child = sit_down("reading", 2)
        kill(child[0])
        assert not late


def test_each_kind_of_work_has_its_own() -> None:
    with all_taken("reading", 2), seated("checking", 2) as mine:
        assert mine


def test_a_seat_that_is_left_is_free() -> None:
    with seated("reading", 1):
        pass
    child, later = sit_down("reading", 1)
    kill(child)
    assert later


def test_a_killed_worker_keeps_no_seat() -> None:
    child, _ = sit_down("reading", 1)
    kill(child)
    with seated("reading", 1) as mine:
        assert mine


@pytest.mark.parametrize(("workers", "seats"), [(1, 1), (2, 1), (3, 2), (8, 7)])
def test_a_phase_never_takes_every_worker(settings: Settings, workers: int, seats: int) -> None:
    settings.STEP_WORKERS = workers
    assert for_one_phase() == seats
