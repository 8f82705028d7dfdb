"""Handing back: how long each kind of export takes for a class, and what many essays take of memory."""

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from results.exports.registry import KINDS
from tests.benchmarks.material import EssayFile, essay_files
from tests.benchmarks.measure import Figure, note, size
from tests.benchmarks.processes import used
from tests.benchmarks.teacher import Teacher, installation
from tests.installation import Installation

CLASS, MANY = 30, size(200, 40)
TIMED = ("pdf", "word", "both", "originals", "xlsx", "csv")
SECONDS = {"pdf": 20.0}
MEGABYTES = 300.0
TIMES = 3
GROWTH = 0.05
LOOK_SECONDS = 0.3
WAIT_SECONDS = 300.0


def main() -> None:
    """Export a class in each kind, then many essays several times."""
    assert set(TIMED) <= KINDS.keys()
    with installation() as at:
        teacher, supply = Teacher(at, at.token()), essay_files()
        batch_id = filled(teacher, list(islice(supply, CLASS)))
        for kind in TIMED:
            took, bytes_ = exported(teacher, batch_id, kind)
            limit = SECONDS.get(kind)
            told = f"at most {limit:.0f} s" if limit else ""
            passed = took <= limit if limit else None
            beside = f"{bytes_ / 2**20:.1f} MB"
            Figure(f"export of {CLASS} essays: {kind}", f"{took:.1f} s", beside, "", told, passed).tell()
        many = filled(teacher, list(islice(supply, MANY)))
        before = megabytes(at)
        ends, peaks = [], []
        for _ in range(TIMES):
            with watched(at) as seen:
                took, _bytes = exported(teacher, many, "pdf")
            peaks.append(max(seen))
            ends.append(megabytes(at))
            note(f"{MANY} essays as PDF: {took:.1f} s, {peaks[-1] - before:+.0f} MB at most")
    most = max(peaks) - before
    shown, limit_told = f"{most:.0f} MB", f"at most {MEGABYTES:.0f} MB"
    Figure(
        f"memory for {MANY} PDF", shown, f"before {before:.0f} MB", "", limit_told, most <= MEGABYTES
    ).tell()
    growth = ends[-1] / ends[0] - 1
    Figure(
        f"memory after {TIMES} such exports",
        f"{ends[-1]:.0f} MB",
        f"after one {ends[0]:.0f} MB",
        f"{growth:+.1%}",
        f"at most + {GROWTH:.0%}",
        growth <= GROWTH,
    ).tell()


def filled(teacher: Teacher, files: list[EssayFile]) -> str:
    """A batch whose essays are done; its id."""
    batch_id = teacher.register(len(files), "School phones")
    teacher.upload_all(batch_id, files)
    teacher.wait_for_results(batch_id)
    return batch_id


def exported(teacher: Teacher, batch_id: str, kind: str) -> tuple[float, int]:
    """Seconds from asking for an export to its last byte, and how many there are."""
    began = time.monotonic()
    at, token = teacher.at, teacher.token
    asked = at.post(f"/v1/batches/{batch_id}/exports", {"kind": kind}, token)
    assert asked.status == 201, asked
    address = f"/v1/exports/{asked.body['export_id']}"
    while (found := at.get(address, token).body)["status"] in {"queued", "running"}:
        assert time.monotonic() - began < WAIT_SECONDS, found
        time.sleep(0.1)
    assert found["status"] == "ready" and not found["error"], found
    request = urllib.request.Request(
        f"{at.url}{found['content_url']}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        length = len(answer.read())
    assert length == found["size"], (length, found)
    return time.monotonic() - began, length


def megabytes(at: Installation) -> float:
    """The memory of all processes, each shared page counted once."""
    return sum(use.memory for use in used(at).values()) / 2**20


@contextmanager
def watched(at: Installation) -> Iterator[list[float]]:
    """The memory within the block, looked at again and again."""
    seen, over = [megabytes(at)], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen.append(megabytes(at))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()
