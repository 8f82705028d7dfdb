"""A queue whose reader is killed while it waits goes on with the next reader."""

import multiprocessing
import os
import signal
import time

import pytest

from huleedu.work.queues import LastingQueue, ProcessLock
from tests.installation import wait_until

fork = multiprocessing.get_context("fork")


def echo(queue: LastingQueue, answers: LastingQueue) -> None:
    while True:
        answers.put((os.getpid(), queue.get()))


@pytest.mark.parametrize("killed_first", [0, 1])
def test_the_other_reader_goes_on(killed_first: int) -> None:
    queue, answers = LastingQueue(maxsize=2), LastingQueue()
    readers = [fork.Process(target=echo, args=(queue, answers), daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    time.sleep(0.3)
    victim, survivor = readers[killed_first], readers[1 - killed_first]
    os.kill(victim.pid or 0, signal.SIGKILL)
    victim.join(5)
    for number in range(10):
        queue.put(number)
        assert answers.get(timeout=5) == (survivor.pid, number)
    survivor.kill()
    survivor.join(5)
    for each in (queue, answers):
        each.close()
        each.join_thread()


def test_a_lock_is_one_process_at_a_time_and_ends_with_it() -> None:
    lock, held = ProcessLock(), fork.Event()

    def hold() -> None:
        with lock:
            held.set()
            time.sleep(60)

    holder = fork.Process(target=hold, daemon=True)
    holder.start()
    assert held.wait(5)
    assert not lock.acquire(block=False)
    assert not lock.acquire(timeout=0.1)
    holder.kill()
    holder.join(5)
    wait_until(lambda: lock.acquire(block=False), 5, "the lock is free")
    lock.release()
