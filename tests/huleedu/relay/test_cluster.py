"""The guard ends its workers, also those that did not hear it the first time."""

import signal
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import pytest

from huleedu.relay.cluster import ASK_SECONDS, ask_to_end


def hard_of_hearing(missed: int) -> None:
    """Sleep until asked to end once more than ``missed`` times."""
    asked = iter(range(missed))
    signal.signal(signal.SIGTERM, lambda _number, _frame: next(asked, None) is None and exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    while True:
        time.sleep(60)


@pytest.fixture
def worker(request: pytest.FixtureRequest) -> Iterator[BaseProcess]:
    process = get_context("fork").Process(target=hard_of_hearing, args=(request.param,))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    yield process
    process.kill()
    process.join()


@pytest.mark.parametrize("worker", [1, 3], indirect=True)
def test_who_did_not_hear_it_is_asked_again(worker: BaseProcess) -> None:
    ask_to_end([worker], 20 * ASK_SECONDS)
    assert worker.exitcode == 0


@pytest.mark.parametrize("worker", [1_000_000], indirect=True)
def test_not_for_longer_than_its_time(worker: BaseProcess) -> None:
    began = time.monotonic()
    ask_to_end([worker], ASK_SECONDS)
    assert worker.is_alive()
    assert ASK_SECONDS <= time.monotonic() - began < 10 * ASK_SECONDS
