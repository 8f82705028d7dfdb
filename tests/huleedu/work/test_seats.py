"""Seats between processes: bounded for each kind of work, and free again when their process ends."""

import pytest
from pytest_django import Settings

from huleedu.work import seats as tried
from huleedu.work.seats import SEATS, choosing, for_one_phase
from tests.seats import all_taken, choose_for_ever, kill, sit_down


def test_no_more_than_the_seats_there_are() -> None:
    with all_taken("reading", 2), choosing({"reading": 2}) as mine:
        assert not mine


def test_one_that_is_left() -> None:
    with all_taken("reading", 1), choosing({"reading": 2}) as mine:
        assert mine
        _, late = child = sit_down("reading", 2)
        kill(child[0])
        assert not late


def test_each_kind_of_work_has_its_own() -> None:
    with all_taken("reading", 2), choosing({"reading": 2, "checking": 2}) as mine:
        assert list(mine) == ["checking"]


def test_a_seat_that_is_left_is_free() -> None:
    with choosing({"reading": 1}) as mine:
        assert mine
    child, later = sit_down("reading", 1)
    kill(child)
    assert later


def test_a_killed_worker_keeps_no_seat() -> None:
    child, _ = sit_down("reading", 1)
    kill(child)
    with choosing({"reading": 1}) as mine:
        assert mine


def test_what_was_chosen_is_kept_until_it_is_left() -> None:
    with choosing({"reading": 1, "checking": 1}) as places:
        place = places.pop("reading")
    assert outcome("reading") is False and outcome("checking") is True
    SEATS.leave(place)
    assert outcome("reading") is True


def outcome(kind: str) -> bool:
    """Whether another worker gets the one seat there is."""
    child, seated = sit_down(kind, 1)
    kill(child)
    return seated


def test_nobody_waits_long_for_one_who_cannot_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tried, "CHOICE_SECONDS", 0.1)
    child = choose_for_ever()
    with choosing({"reading": 1}) as mine:
        assert not mine
    kill(child)
    with choosing({"reading": 1}) as mine:
        assert mine


@pytest.mark.parametrize(("workers", "seats"), [(1, 1), (2, 1), (3, 2), (8, 7)])
def test_a_phase_never_takes_every_worker(settings: Settings, workers: int, seats: int) -> None:
    settings.STEP_WORKERS = workers
    assert for_one_phase() == seats
