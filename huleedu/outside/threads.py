"""A bounded number of threads for calls that may never come back."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Value = TypeVar("Value")


class Threads:
    """Runs actions in at most ``most`` threads, made when needed and kept.

    Unlike those of the standard library's executor they do not keep a process from ending.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self.forget()

    def forget(self) -> None:
        """Begin anew without threads; those there are end with what they do now."""
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._free = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._made = 0

    def run(self, action: Callable[[], Value]) -> "Future[Value]":
        """Run ``action`` as soon as a thread is free; a future that is cancelled before is never run."""
        future: Future[Value] = Future()
        self._actions.put(lambda: carry_out(future, action))
        if not self._free.acquire(blocking=False):
            self._make()
        return future

    def _make(self) -> None:
        with self._lock:
            if self._made >= self._most:
                return
            self._made += 1
            name, arguments = f"{self._name}-{self._made}", (self._actions, self._free)
        threading.Thread(target=work, name=name, args=arguments, daemon=True).start()


def work(actions: "queue.SimpleQueue[Callable[[], None]]", free: threading.Semaphore) -> None:
    """Carry out one action after the other, for ever."""
    while True:
        action = actions.get()
        action()
        del action  # what it holds must not live until the next one comes
        free.release()


def carry_out(future: "Future[Any]", action: Callable[[], Any]) -> None:
    """Give ``future`` what ``action`` returns or raises, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = action()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)
