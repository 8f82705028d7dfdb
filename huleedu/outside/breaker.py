"""A circuit breaker: who should call an endpoint now, judged by how the last calls went.

Closed, everybody calls. It opens when a call hangs while no other one comes back, or after several failures
in a row; then one caller at a time probes, and the first call that comes back well closes it.
"""

import threading
import time
from collections.abc import Callable

FAILURES = 5  # in a row
PAUSE_SECONDS = 2.0  # between two probes
# A probe that hangs for ever must not be the last one. Those that still hang are as many threads.
PROBE_SECONDS = 30.0


class CircuitOpen(Exception):
    """The endpoint is not called now: it hung or failed lately."""


class Breaker:
    """The state of one endpoint in this process; ``changed`` hears of every opening (True) and closing."""

    def __init__(self, changed: Callable[[bool], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = changed
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin anew, closed."""
        self._lock = threading.Lock()
        self._open = False
        self._failures = 0
        self._succeeded_at = -1.0
        self._next_probe_at = 0.0
        self._probe: float | None = None  # when the probe began that has not come back

    @property
    def is_open(self) -> bool:
        """True while only probes go through."""
        return self._open

    @property
    def is_refusing(self) -> bool:
        """True while not even a probe would go through."""
        with self._lock:
            return self._open and not self._may_probe(self._clock())

    def enter(self) -> float:
        """Begin a call; returns what its end is reported with. Raises ``CircuitOpen``."""
        with self._lock:
            now = self._clock()
            if self._open:
                if not self._may_probe(now):
                    raise CircuitOpen
                self._probe = now
            return now

    def _may_probe(self, now: float) -> bool:
        probing = self._probe is not None and now - self._probe < PROBE_SECONDS
        return now >= self._next_probe_at and not probing

    def succeeded(self) -> None:
        """A call came back well, however late."""
        with self._lock:
            self._failures = 0
            self._succeeded_at = self._clock()
            self._probe = None
            self._turn(False)

    def failed(self, begun: float) -> None:
        """The call that began at ``begun`` came back with a failure of the endpoint."""
        with self._lock:
            self._failures += 1
            self._end_probe(begun)
            if self._failures >= FAILURES:
                self._turn(True)

    def hung(self, begun: float) -> bool:
        """The call that began at ``begun`` was given up, and may yet come back. True if it opens now."""
        with self._lock:
            if self._open or self._succeeded_at >= begun:
                return False
            self._turn(True)
            return True

    def withdrawn(self, begun: float) -> None:
        """The call was never made."""
        with self._lock:
            self._end_probe(begun)

    def _end_probe(self, begun: float) -> None:
        if self._probe == begun:
            self._probe = None
            self._next_probe_at = self._clock() + PAUSE_SECONDS

    def _turn(self, opened: bool) -> None:
        if self._open == opened:
            return
        self._open = opened
        if opened:
            self._next_probe_at = self._clock() + PAUSE_SECONDS
        self._changed(opened)
