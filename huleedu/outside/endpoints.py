"""What a process calls outside goes through a door: bounded threads, a deadline, a circuit breaker.

A thread that waits for a disk or a network cannot be told to stop, so the caller leaves it behind. What it
still does must be harmless: bytes that nobody refers to, never a row.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Any, TypeVar

import structlog

from huleedu.outside.breaker import Breaker, CircuitOpen
from huleedu.outside.metrics import CIRCUIT_OPEN, CIRCUIT_TRIPS
from huleedu.outside.threads import Threads

FREE_SECONDS = 0.25  # what each call may take of a request without being counted
# A server in front answers for us after 60 s, and then nobody hears what became of the rest.
REQUEST_SECONDS = 40.0
Value = TypeVar("Value")
log = structlog.get_logger(__name__)


class Unanswered(Exception):
    """The endpoint is not called now, or did not answer in time; trying again may help."""


class Budget:
    """How long one request may wait for endpoints. One that hangs costs that once, a slow one bit by bit."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._until = time.monotonic() + REQUEST_SECONDS

    def limit(self, seconds: float) -> float:
        """How long the next call may take, at most ``seconds``."""
        return max(0.0, min(seconds, self._left, self._until - time.monotonic()))

    def spend(self, seconds: float, *, late: bool) -> None:
        """A call took so long; after one that was given up there is nothing left."""
        self._left = 0.0 if late else self._left - max(0.0, seconds - FREE_SECONDS)


BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Let the calls within the block, of all endpoints together, keep it waiting about ``seconds``."""
    token = BUDGET.set(Budget(seconds))
    try:
        yield
    finally:
        BUDGET.reset(token)


def when_all_are_done(futures: "Sequence[Future[Any]]") -> "Future[None]":
    """A future that is done when all ``futures`` are."""
    every: Future[None] = Future()
    left = count(len(futures), -1)

    def one_is_done(_future: object) -> None:
        if next(left) == 1:
            every.set_result(None)

    if not futures:
        every.set_result(None)
    for future in futures:
        future.add_done_callback(one_is_done)
    return every


def is_given_up(future: "Future[Any]") -> bool:
    """True for a call that has not come back; one that has not begun never will."""
    return future.cancel() or not future.done()


class Endpoint:
    """The door to one thing outside, by name; ``is_failure`` tells its failures from its answers."""

    def __init__(self, name: str, threads: int, is_failure: Callable[[BaseException], bool]) -> None:
        self.name = name
        self.breaker = Breaker(self._changed)
        self.threads = Threads(name, threads)
        self._silence: Future[None] = Future()
        self._is_failure = is_failure
        os.register_at_fork(after_in_child=self.forget)  # a child has none of its parent's threads
        CIRCUIT_OPEN.labels(name).set(0)
        CIRCUIT_TRIPS.labels(name)

    def forget(self) -> None:
        """Begin anew: closed, without threads."""
        self._silence = Future()
        self.breaker.forget()
        self.threads.forget()

    def call(self, action: Callable[[], Value], seconds: float) -> Value:
        """What ``action`` returns or raises within ``seconds``, or what the request's budget leaves of them.

        It runs in another thread: it must not touch the database. Raises ``Unanswered``.
        """
        (value,) = self.call_each([action], seconds)
        return value

    def call_each(self, actions: Sequence[Callable[[], Value]], seconds: float) -> list[Value]:
        """The values of all ``actions``, run side by side within ``seconds``; raises as ``call`` does."""
        waiting = BUDGET.get()
        limit = seconds if waiting is None else waiting.limit(seconds)
        if limit <= 0:
            raise Unanswered("no time left")
        started = time.monotonic()
        silence = self._silence
        calls = [self._begin(action) for action in actions]
        wait([when_all_are_done([future for future, _ in calls]), silence], limit, FIRST_COMPLETED)
        late = [begun for future, begun in calls if is_given_up(future)]
        if waiting is not None:
            waiting.spend(time.monotonic() - started, late=bool(late))
        # A request that had little time left says nothing of the endpoint.
        if limit >= seconds and any(self.breaker.hung(begun) for begun in late):
            self._tell_silence()
        if late:
            raise Unanswered("late")
        return [future.result() for future, _ in calls]

    def _tell_silence(self) -> None:
        """End the waiting of all who wait now: nothing has come back since the first of them began."""
        silence, self._silence = self._silence, Future()
        silence.set_result(None)

    def _begin(self, action: Callable[[], Value]) -> "tuple[Future[Value], float]":
        try:
            begun = self.breaker.enter()
        except CircuitOpen as error:
            raise Unanswered("open") from error
        future = self.threads.run(action)
        future.add_done_callback(partial(self._ended, begun))
        return future, begun

    def _ended(self, begun: float, future: "Future[Value]") -> None:
        if future.cancelled():
            self.breaker.withdrawn(begun)
            return
        error = future.exception()
        if error is not None and self._is_failure(error):
            self.breaker.failed(begun)
        else:
            self.breaker.succeeded()

    def _changed(self, opened: bool) -> None:
        CIRCUIT_OPEN.labels(self.name).set(opened)
        if opened:
            CIRCUIT_TRIPS.labels(self.name).inc()
            log.error("circuit.opened", endpoint=self.name, status="open")
        else:
            log.info("circuit.closed", endpoint=self.name, status="closed")
