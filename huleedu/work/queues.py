"""Queues between the processes of a cluster that survive the ``kill -9`` of any of them.

A semaphore that a process holds when it dies is held for ever: after the death of an idle worker, which
waits for tasks with the queue's lock in its hand, nobody got a task any more. Record locks end with their
process, so the next one goes on at once.
"""

import fcntl
import os
import time

from django.core import signing
from django_q import cluster, core_signing
from django_q.queues import Queue

LOOK_SECONDS = 0.02  # between two tries with a time limit


class ProcessLock:
    """Mutual exclusion between processes that share it by fork, not between threads of one process."""

    def __init__(self) -> None:
        self._file = os.memfd_create("lock")

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock; False when it was not free (within ``timeout`` seconds)."""
        if block and timeout is None:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            return True
        until = time.monotonic() + (timeout or 0.0 if block else 0.0)
        while not self._try():
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def _try(self) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let the lock go."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class LastingQueue(Queue):
    """django-q2's queue with locks that end with their holder."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._rlock = ProcessLock()
        self._wlock = ProcessLock()


def make_queues_last() -> None:
    """Clusters started by this process use ``LastingQueue``."""
    setattr(cluster, "Queue", LastingQueue)  # noqa: B010 - a class of theirs, replaced by one of ours


def accept_former_keys() -> None:
    """Read tokens that are signed with one of ``SECRET_KEY_FALLBACKS``, too; django-q2 knows one key only."""
    setattr(core_signing, "loads", signing.loads)  # noqa: B010
