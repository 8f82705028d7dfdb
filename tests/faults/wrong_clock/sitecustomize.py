"""Gives each Python process another time of day, as many seconds off as the file ``WRONG_CLOCK`` says.

As on a real machine, the monotonic clock goes on, and so do waits; the database has a clock of its own.
"""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

LOOK_SECONDS = 0.2


class Watch:
    """Sets the clock whenever the file says something else."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seconds = 0.0
        self.travel: time_machine.travel | None = None

    def look(self) -> None:
        """Follow the file; a process that may not read it, as a reader behind its walls, keeps its time."""
        try:
            seconds = float(self.file.read_text())
        except (OSError, ValueError):
            return
        if seconds == self.seconds:
            return
        if self.travel is not None:
            self.travel.stop()
        self.seconds = seconds
        self.travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds))
        self.travel.start()

    def keep_looking(self) -> None:
        """In a thread of its own, for as long as the process lives."""
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()

    def begin(self) -> None:
        """At the start of a process, and of what it forks: that has no threads yet."""
        self.look()
        threading.Thread(target=self.keep_looking, name="clock", daemon=True).start()


watch = Watch(Path(os.environ["WRONG_CLOCK"]))
os.register_at_fork(after_in_child=watch.begin)
watch.begin()
