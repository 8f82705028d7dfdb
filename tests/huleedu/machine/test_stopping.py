"""Being asked to end is heard whatever the process is doing, also where Python's handlers run late."""

import signal
import subprocess
import sys
import textwrap

import pytest

from tests.installation import ROOT


def output_of(program: str) -> list[str]:
    """What a Python program that is nobody's test process prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


# The kernel gives the signal to another thread, so nothing interrupts the main thread's wait, as when it
# comes between Python's last look for signals and the beginning of the wait.
UNHEARD = """
import os, signal, threading, time
from huleedu.machine import stopping
{made}
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.{number})).start()
signal.pthread_sigmask(signal.SIG_BLOCK, stopping.SIGNALS)
began = time.monotonic()
print(stop.wait(20), time.monotonic() - began < 10)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_wait_that_the_signal_does_not_interrupt_is_woken(number: signal.Signals) -> None:
    made = "stop = stopping.stop_on_signals()"
    assert output_of(UNHEARD.format(made=made, number=number.name)) == ["True", "True"]


def test_another_signal_wakes_and_asks_nothing() -> None:
    found = output_of("""
        import signal, time
        from huleedu.machine import stopping
        stop = stopping.stop_on_signals()
        signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
        signal.raise_signal(signal.SIGUSR1)
        print(stopping.readable(0, stop.fileno()), stop.is_set(), stopping.readable(0, stop.fileno()))
    """)
    assert found == ["True", "False", "False"]


def test_once_set_it_stays_readable() -> None:
    found = output_of("""
        from huleedu.machine import stopping
        stop = stopping.Stop()
        for _ in range(100_000):
            stop.set()
        print(stop.is_set(), stopping.readable(0, stop.fileno()), stop.is_set(), stop.wait(20))
    """)
    assert found == ["True"] * 4


def test_a_child_that_ends_at_once_wakes_nobody_else() -> None:
    found = output_of("""
        import os, signal
        from huleedu.machine import stopping
        stop = stopping.stop_on_signals()
        with stopping.held_back():
            child = os.fork()
            if not child:
                stopping.end_at_once()
                signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
                signal.raise_signal(signal.SIGUSR1)
                os._exit(0)
        os.waitpid(child, 0)
        print(stopping.readable(0, stop.fileno()))
    """)
    assert found == ["False"]


def test_an_alarm_rings_until_it_is_heard() -> None:
    found = output_of("""
        import time
        from huleedu.machine import stopping
        heard = []
        def act():
            heard.append(1)
            if len(heard) == 2:
                stopping.no_alarm()
        stopping.on_alarm(0.1, act)
        time.sleep(2)
        print(len(heard))
    """)
    assert found == ["2"]
