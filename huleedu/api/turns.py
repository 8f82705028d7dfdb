"""Turns: a few requests at a time, and whoever asked for little before whoever asked for much."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count


@dataclass(order=True)
class Waiter:
    """Somebody who waits: ``due`` is the time on the virtual clock, ``number`` breaks ties."""

    due: float
    number: int
    called: threading.Event = field(default_factory=threading.Event, compare=False)


class Turns:
    """At most ``at_once`` turns are taken at a time within this process.

    Each thing puts its taker's next turn back by ``pace`` seconds on a clock of the taker's own, which never
    lags behind real time (L. Zhang, VirtualClock, SIGCOMM 1990). The order is a courtesy: whoever has waited
    ``patience`` seconds goes on, whoever else is stuck.
    """

    def __init__(self, at_once: int, pace: float, patience: float) -> None:
        self.pace = pace
        self.patience = patience
        self._free = at_once
        self._lock = threading.Lock()
        self._numbers = count()
        self._waiting: list[Waiter] = []
        self._clocks: dict[int, float] = {}

    @contextmanager
    def taken(self, taker: int, cost: int, before_waiting: Callable[[], None]) -> Iterator[None]:
        """Wait for the turn of ``taker``, who wants ``cost`` things, and give it back after the block.

        ``before_waiting`` is called if there is a wait: who waits must not hold what others need.
        """
        waiter = self._ask(taker, cost)
        try:
            if waiter is not None:
                before_waiting()
                waiter.called.wait(self.patience)
            yield
        finally:
            self._give_back(waiter)

    def _ask(self, taker: int, cost: int) -> Waiter | None:
        """Take a free turn, or queue for one."""
        with self._lock:
            now = time.monotonic()
            self._clocks = {who: due for who, due in self._clocks.items() if due > now}
            due = max(now, self._clocks.get(taker, now)) + self.pace * cost
            self._clocks[taker] = due
            if self._free > 0:
                self._free -= 1
                return None
            waiter = Waiter(due, next(self._numbers))
            heappush(self._waiting, waiter)
            return waiter

    def _give_back(self, waiter: Waiter | None) -> None:
        """Hand the turn on; one who went on without being called has none to give."""
        with self._lock:
            if waiter is not None and not waiter.called.is_set():
                self._waiting.remove(waiter)
                heapify(self._waiting)
            elif self._waiting:
                heappop(self._waiting).called.set()
            else:
                self._free += 1
