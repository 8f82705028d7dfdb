"""Transactions ended for another's sake are done again; everything else is not."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import OperationalError, transaction

from huleedu.postgres import conflicts
from huleedu.postgres.conflicts import TRIES, retried


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "PAUSE_SECONDS", 0)


def failing(times: int, cause: psycopg.Error, calls: list[int]) -> Callable[[], str]:
    def change() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError from cause
        return "done"

    return change


@pytest.mark.parametrize("cause", [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure()])
@pytest.mark.django_db(transaction=True)
def test_it_is_done_again(cause: psycopg.Error) -> None:
    calls: list[int] = []
    assert retried(failing(TRIES - 1, cause, calls)) == "done"
    assert len(calls) == TRIES


@pytest.mark.django_db(transaction=True)
def test_not_for_ever() -> None:
    calls: list[int] = []
    with pytest.raises(OperationalError):
        retried(failing(TRIES, psycopg.errors.DeadlockDetected(), calls))
    assert len(calls) == TRIES


@pytest.mark.django_db(transaction=True)
def test_other_failures_are_told() -> None:
    calls: list[int] = []
    with pytest.raises(OperationalError):
        retried(failing(1, psycopg.errors.AdminShutdown(), calls))
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_the_whole_is_lost() -> None:
    calls: list[int] = []
    with pytest.raises(OperationalError), transaction.atomic():
        retried(failing(1, psycopg.errors.DeadlockDetected(), calls))
    assert len(calls) == 1
