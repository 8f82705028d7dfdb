"""``python -m tests.benchmarks.plain.run``: servers and workers in ``HULEEDU_VAR``, until Ctrl-C."""

import os
import secrets
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from huleedu.embedded import PostgresServer, running
from huleedu.machine import programs
from tests import guard

SETTINGS = "tests.benchmarks.plain.settings"
APPLICATION = "tests.benchmarks.plain.asgi:application"
STOP_SECONDS = 10.0


def main() -> None:
    """Start everything and wait for the signal."""
    guard.guard()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    var = Path(os.environ["HULEEDU_VAR"])
    (var / "content").mkdir(parents=True)
    with running(PostgresServer(var)) as database, ExitStack() as stack:
        environment = {**os.environ, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": SETTINGS}
        environment["SECRET_KEY"] = secrets.token_urlsafe(48)
        manage = [sys.executable, "-m", "django"]
        subprocess.run([*manage, "migrate", "--run-syncdb", "--verbosity", "0"], env=environment, check=True)
        address = ["-b", "127.0.0.1", "-p", os.environ["HULEEDU_PORT"]]
        commands = {"web": [sys.executable, "-m", "daphne", *address, APPLICATION]}
        commands["steps"] = [*manage, "qcluster"]
        for name, command in commands.items():
            named = {**environment, "HULEEDU_PROCESS": name}
            process = subprocess.Popen(programs.dying_with_us(command, signal.SIGTERM), env=named)
            stack.callback(stop, process)
        signal.pause()


def leave(_number: int, _frame: FrameType | None) -> None:
    """Clear up and go."""
    raise SystemExit


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a program, kindly first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
