"""django-q2's cluster, woken instead of polling, and ending in time however it is asked to.

Three generations: the parent waits for its guard, the guard replaces what dies among pusher, monitor and
workers. Each process dies with the one that made it, even by ``kill -9``.
"""

import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from multiprocessing import Event, Value
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Any

import structlog
from django_q.cluster import Sentinel, get_mp_context
from django_q.queues import Queue
from django_q.worker import worker

from files.steps.confinement import die_with
from huleedu.machine import stopping
from huleedu.machine.stopping import Stop
from huleedu.relay import overseeing
from huleedu.relay.processes import end_relay
from huleedu.work.leaving import leave_when_asked

LOOK_SECONDS = 10.0  # how often the guard looks for tasks that are over their time
BUSY_LOOK_SECONDS = 5.0  # while there are tasks; whoever is at one gives no other sign of life
LOCK_SECONDS = 0.1
PAUSE_SECONDS = 0.2  # between two replacements, so that what dies at once is not replaced without end
ASK_SECONDS = 0.5  # between two askings of the same workers
WORKERS_SECONDS = 5.0  # for what workers have in hand, giving it back included
MONITOR_SECONDS = 1.0
KILLED_SECONDS = 0.5
GUARD_SECONDS = 6.6
log = structlog.get_logger(__name__)


class Guard(Sentinel):
    """Makes the other processes, replaces what dies, and ends them; it runs as soon as it is made."""

    def start(self) -> None:
        """The guard's whole life."""
        self.stop_asked = Stop()
        stopping.on_signals(self.stop_asked, self.stop_asked.set)
        stopping.let_through()
        self.spawn_cluster()
        self.guard()

    def spawn_process(self, target: Callable[..., object], *args: Any) -> BaseProcess:
        """A child that runs ``target``; workers join the pool."""
        arguments = (os.getpid(), target, args)
        process: Any = get_mp_context().Process(target=live, args=arguments, name=uuid.uuid4().hex)
        process.daemon = True
        if target is worker:
            process.timer = args[2]
            self.pool.append(process)
        with stopping.held_back():
            process.start()
        made: BaseProcess = process
        return made

    def members(self) -> list[BaseProcess]:
        """Every process of the cluster below the guard."""
        return [*self.pool, self.monitor, self.pusher]

    def guard(self) -> None:
        """Replace what dies until asked to stop."""
        looked, seconds = time.monotonic(), LOOK_SECONDS
        while not self.stop_asked.is_set():
            wait([self.stop_asked.fileno(), *(process.sentinel for process in self.members())], seconds)
            now = time.monotonic()
            overdue = [process for process in self.pool if is_overdue(process, now - looked)]
            looked = now
            dead = [process for process in self.members() if not process.is_alive()]
            for process in {*dead, *overdue}:
                self.replace(process)
            busy = [process.pid for process in self.pool if is_busy(process)]
            if busy and not self.stop_asked.is_set():
                overseeing.tell_alive(busy)
            seconds = BUSY_LOOK_SECONDS if busy else LOOK_SECONDS
            if dead or overdue:
                self.stop_asked.wait(PAUSE_SECONDS)
        self.stop()

    def replace(self, process: Any) -> None:
        """Put a fresh process in the place of one that is dead or overdue, unless all shall end."""
        if self.stop_asked.is_set():
            return
        if process in self.pool:
            # Whoever died with the lock in its hand keeps it for ever.
            process.timer = Value("f", process.timer.get_obj().value, lock=False)
            process.kill()  # asked to end it would give back what it is stuck in, as if nothing had happened
            process.join(KILLED_SECONDS)
            if process.exitcode != 0 or process.timer.value == 0:
                overseeing.tell_dead(process.pid)
        self.reincarnate(process)

    def stop(self) -> None:
        """End everything below; what does not end by itself is killed."""
        self.pusher.terminate()
        ask_to_end(self.pool, WORKERS_SECONDS)
        end(self.pool, 0)
        self.result_queue.put("STOP")
        end([self.monitor, self.pusher], MONITOR_SECONDS)
        self.result_queue.cancel_join_thread()


def is_overdue(worker_process: Any, seconds: float) -> bool:
    """Take ``seconds`` off the time that the worker's task has left; True when none is left."""
    timer = worker_process.timer
    if not timer.get_lock().acquire(timeout=LOCK_SECONDS):
        return False
    try:
        if timer.value > 0:
            timer.value = max(0.0, timer.value - seconds)
        return bool(timer.value == 0)
    finally:
        timer.get_lock().release()


def is_busy(worker_process: Any) -> bool:
    """Whether the worker is at a task and within its time."""
    # Read without the lock, which whoever died with it keeps for ever.
    return bool(worker_process.timer.get_obj().value > 0)


def ask_to_end(processes: Collection[BaseProcess], seconds: float) -> None:
    """Ask all to end, and again while any lives, for at most ``seconds``.

    A signal that comes as a process begins to sleep or to wait is heard only when another one wakes it.
    """
    until = time.monotonic() + seconds
    while (left := [process for process in processes if process.is_alive()]) and time.monotonic() < until:
        for process in left:
            process.terminate()
        wait([process.sentinel for process in left], ASK_SECONDS)


def end(processes: Iterable[BaseProcess], seconds: float) -> None:
    """Wait until all have ended, and kill those that have not after ``seconds``."""
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    for process in processes:
        if process.is_alive():
            log.warning("cluster.killed", process=process.pid)
            process.kill()
            process.join(KILLED_SECONDS)


class Tokens:
    """The worker's side of the task queue: an idle worker holds no lock and hears that it shall end."""

    def __init__(self, queue: Queue, stop: Stop) -> None:
        self._queue = queue
        self._stop = stop

    def get(self) -> object:
        """The next task; the word that ends django-q2's loop when this worker shall end."""
        while not self._stop.is_set():
            wait([self._queue._reader, self._stop.fileno()])
            with suppress(Empty):
                return self._queue.get(block=False)
        return "STOP"


def live(parent: int, target: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """A child's life; pusher and monitor have nothing to give back, so a signal ends them at once."""
    die_with(parent)
    if target is worker:
        work(*arguments)
    stopping.end_at_once()
    stopping.let_through()
    target(*arguments)


def work(tasks: Queue, results: Queue, timer: Any, timeout: int) -> None:
    """A worker's life, to its process's end."""
    stop = leave_when_asked()
    stopping.let_through()
    worker(Tokens(tasks, stop), results, timer, timeout)
    end_relay()
    results.close()
    results.join_thread()
    os._exit(0)


def guard(parent: int) -> None:
    """The guard's process."""
    die_with(parent)
    Guard(Event(), Event(), uuid.uuid4())


def run() -> int:
    """Run the cluster that the environment names until SIGTERM or SIGINT; 0 then, 1 when its guard died."""
    stop = stopping.stop_on_signals()
    process = get_mp_context().Process(target=guard, args=(os.getpid(),), name="guard")
    with stopping.held_back():
        process.start()
    wait([stop.fileno(), process.sentinel])
    if not stop.is_set():
        log.error("cluster.guard.died", status="error")
        return 1
    process.terminate()
    end([process], GUARD_SECONDS)
    return 0
