"""What happened in the last ten minutes: a number that any monitor can compare, without rates of its own."""

import threading
import time
from collections import deque

WINDOW_SECONDS = 600.0
STEP_SECONDS = 10.0


class Recent:
    """Counts what happened within the window, to ten seconds; sixty numbers at most, whatever happens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: deque[tuple[float, int]] = deque()

    def add(self) -> None:
        """It happened now."""
        now = time.monotonic()
        with self._lock:
            began, number = self._steps[-1] if self._steps else (-STEP_SECONDS, 0)
            if now - began < STEP_SECONDS:
                self._steps[-1] = (began, number + 1)
            else:
                self._steps.append((now, 1))
            self._forget(now)

    def total(self) -> float:
        """How often it happened within the window."""
        with self._lock:
            self._forget(time.monotonic())
            return float(sum(number for _began, number in self._steps))

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._steps.clear()

    def _forget(self, now: float) -> None:
        while self._steps and now - self._steps[0][0] >= WINDOW_SECONDS:
            self._steps.popleft()
