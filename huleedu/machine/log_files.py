"""The logs of the small installation: how large, how old, and rotation that loses no line.

A program that logs to ``HULEEDU_LOG`` opens the file anew when it was renamed, so its log is renamed, by the
supervisor or by logrotate. The servers keep theirs open; those are copied and cut.
"""

import io
import logging
import logging.handlers
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

VARIABLE = "HULEEDU_LOG"
KEPT = 5  # former logs that the supervisor keeps of each program
LARGE_BYTES = 2_000_000_000  # of all logs: rotation does not work
MODE = 0o600


class ReopenedFile(logging.handlers.WatchedFileHandler):
    """Appends to a file for its owner alone; a full disk or a missing folder never harms the caller."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", delay=True)

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.fdopen(os.open(self.baseFilename, flags, MODE), "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """One line; on standard error, which the supervisor keeps, when the file cannot be opened."""
        try:
            super().emit(record)
            if self.ino == -1:  # it was opened just now
                self._statstream()
        except OSError:
            with suppress(OSError):
                sys.stderr.write(f"{self.format(record)}\n")


@dataclass(frozen=True)
class LogFile:
    """A program's log: bytes with its former ones, and seconds since something was written."""

    name: str
    size: int
    silent_seconds: float


def log_files(logs: Path) -> Iterator[LogFile]:
    """Every log in the folder ``logs``; none where logs go elsewhere."""
    for log in sorted(logs.glob("*.log")):
        with suppress(OSError):
            size = sum(each.stat().st_size for each in logs.glob(f"{log.name}*"))
            yield LogFile(log.stem, size, max(0.0, time.time() - log.stat().st_mtime))


def rotate(logs: Path, most_bytes: int, reopened: Collection[str] = ()) -> None:
    """Put every log of more than ``most_bytes`` aside; those of the programs ``reopened`` lose no line."""
    for log in logs.glob("*.log"):
        if log.stat().st_size <= most_bytes:
            continue
        if log.stem in reopened:
            make_room(log)
            log.rename(former(log, 1))
        else:
            shutil.copyfile(log, former(log, 1))
            former(log, 1).chmod(MODE)
            os.truncate(log, 0)


def make_room(log: Path) -> None:
    """Count the former logs one up; the oldest goes."""
    for number in range(KEPT, 1, -1):
        with suppress(FileNotFoundError):
            former(log, number - 1).replace(former(log, number))


def former(log: Path, number: int) -> Path:
    """The name of the ``number``-th former log."""
    return log.with_suffix(f".log.{number}")


class LogFacts(Collector):
    """Metrics of the logs in one folder."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs

    def collect(self) -> Iterator[Metric]:
        """Size and silence of each log."""
        size = GaugeMetricFamily("log_bytes", "Bytes of a log and its former ones", labels=["log"])
        silent = GaugeMetricFamily(
            "log_silent_seconds", "Since something was written into a log", labels=["log"]
        )
        for each in log_files(self._logs):
            size.add_metric([each.name], each.size)
            silent.add_metric([each.name], each.silent_seconds)
        yield from (size, silent)
