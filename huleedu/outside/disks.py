"""How much room is left on the disks of this machine: uploads stop before one is full, all else goes on.

A database whose disk is full ends, and a store takes half of what comes; with a margin both go on working,
and teachers can read, finish and remove.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from huleedu.failures.errors import Refused
from huleedu.outside.endpoints import Endpoint, Unanswered

KEPT_SECONDS = 1.0  # how long a finding holds; one of too little room does not
ANSWER_SECONDS = 1.0  # for a file system that may hang
SHARE_OF_MARGIN = 20  # a small disk keeps a twentieth free
SPOOL = "temporary"
DISKS = Endpoint("disks", 2, lambda error: False)


@dataclass(frozen=True)
class Disk:
    """The disk that one thing lies on, in bytes."""

    name: str
    free: int
    size: int

    @property
    def margin(self) -> int:
        """What uploads leave free."""
        return min(settings.DISK_MARGIN_BYTES, self.size // SHARE_OF_MARGIN)


class Findings:
    """What was last found of the disks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.disks: list[Disk] = []
        self.until = 0.0

    def now(self) -> list[Disk]:
        """The disks, looked at within the last second; as they were while one hangs."""
        if time.monotonic() >= self.until:
            with suppress(Unanswered):
                found = DISKS.call(look, ANSWER_SECONDS)
                low = any(disk.free < disk.margin for disk in found)
                with self._lock:
                    self.disks = found
                    self.until = 0.0 if low else time.monotonic() + KEPT_SECONDS
        return self.disks


FINDINGS = Findings()


def folders() -> dict[str, Path]:
    """What of ours lies on disks of this machine."""
    found = {"state": settings.VAR_DIR, SPOOL: Path(tempfile.gettempdir())}
    store = storages["default"]
    if isinstance(store, FileSystemStorage):
        found["content"] = Path(store.location)
    embedded = settings.VAR_DIR / "postgres"
    if settings.DATABASE_FOLDER is not None:
        found["database"] = settings.DATABASE_FOLDER
    elif os.path.lexists(embedded):
        found["database"] = embedded
    return found


def look() -> list[Disk]:
    """Ask the file systems; what cannot be asked is left out."""
    return [disk for name, folder in folders().items() if (disk := disk_of(name, folder)) is not None]


def disk_of(name: str, folder: Path) -> Disk | None:
    """The disk that ``folder`` lies on, or will lie on."""
    for place in (folder, *folder.parents):
        try:
            status = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return Disk(name, status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)
    return None


def too_full(added: int = 0, *, spooled: bool = False) -> Disk | None:
    """A disk on which ``added`` bytes more would leave less than the margin free, if there is one.

    Only a ``spooled`` body needs the disk of temporary files.
    """
    for disk in FINDINGS.now():
        if disk.free - added < disk.margin and (spooled or disk.name != SPOOL):
            return disk
    return None


def check_room(added: int = 0) -> None:
    """Raise ``Refused("STORAGE_FULL")`` when the disks have no room for ``added`` bytes."""
    disk = too_full(added)
    if disk is not None:
        raise Refused("STORAGE_FULL", disk=disk.name, free=disk.free, margin=disk.margin)


class DiskFacts(Collector):
    """Metrics of the disks of this machine."""

    def collect(self) -> Iterator[Metric]:
        """Free bytes, and what uploads leave of them."""
        free = GaugeMetricFamily(
            "disk_free_bytes", "Free bytes where something of ours lies", labels=["disk"]
        )
        margin = GaugeMetricFamily(
            "disk_margin_bytes", "Uploads stop when less than this is free", labels=["disk"]
        )
        size = GaugeMetricFamily("disk_size_bytes", "Bytes of that disk", labels=["disk"])
        low = GaugeMetricFamily("disk_low", "1 while less than the margin is free", labels=["disk"])
        used = GaugeMetricFamily("disk_used_ratio", "The share that is not free", labels=["disk"])
        for disk in FINDINGS.now():
            free.add_metric([disk.name], disk.free)
            margin.add_metric([disk.name], disk.margin)
            size.add_metric([disk.name], disk.size)
            low.add_metric([disk.name], disk.free < disk.margin)
            used.add_metric([disk.name], 1 - disk.free / disk.size if disk.size else 0)
        yield from (free, margin, size, low, used)
