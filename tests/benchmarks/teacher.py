"""A teacher at a real installation: registers, uploads as the browser does, follows the batch's socket."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from websockets.sync.client import connect

from tests import guard
from tests.benchmarks.material import EssayFile
from tests.installation import Installation, running

UPLOADS_AT_ONCE = 3  # as the page does
TOGETHER = 4  # small files in one request, as the page sends them while many wait
WAIT_SECONDS = 900.0


@contextmanager
def installation() -> Iterator[Installation]:
    """A fresh, durable installation in a temporary folder."""
    with guard.folder("huleedu-bench-") as folder:
        folder.chmod(0o711)  # its servers may run as another user
        with running(folder) as found:
            yield found


@dataclass(frozen=True)
class Teacher:
    """The first teacher's account at an installation."""

    at: Installation
    token: str
    together: int = TOGETHER

    def register(self, expected: int, title: str = "") -> str:
        """A batch in English; its id."""
        body = {"expected_essay_count": expected, "language": "en", "title": title}
        answer = self.at.post("/v1/batches/register", body, self.token)
        assert answer.status == 201, answer
        return str(answer.body["batch_id"])

    def upload(self, batch_id: str, *files: EssayFile) -> list[float]:
        """Send files with one request, again while the answer asks for patience; the seconds of each."""
        began, key = time.monotonic(), str(uuid4())
        sent = [(file.name, file.data) for file in files]
        while True:
            answer = self.at.upload_together(batch_id, self.token, sent, key)
            if answer.status not in {0, 429, 503}:
                break
            time.sleep(1)
        assert answer.status in {201, 207}, answer
        assert all(each["file_upload_id"] for each in answer.body["files"]), answer
        return [time.monotonic() - began] * len(files)

    def upload_all(self, batch_id: str, files: Sequence[EssayFile]) -> list[float]:
        """Send ``files``, three requests at once; the seconds of each file."""
        share = max(1, min(self.together, -(-len(files) // UPLOADS_AT_ONCE)))
        parts = [files[at : at + share] for at in range(0, len(files), share)]
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            return [
                each for took in pool.map(lambda part: self.upload(batch_id, *part), parts) for each in took
            ]

    def wait_for_results(self, batch_id: str) -> None:
        """Return when the batch's socket tells that its results are there."""
        address = f"ws://127.0.0.1:{self.at.port}/ws/batches/{batch_id}/?after=0"
        headers = {"Authorization": f"Bearer {self.token}", "Origin": self.at.url}
        with connect(address, additional_headers=headers) as socket:
            deadline = time.monotonic() + WAIT_SECONDS
            while time.monotonic() < deadline:
                if json.loads(socket.recv(60)).get("event") == "batch.results.ready":
                    return
        raise AssertionError("no results")

    def process(self, files: Sequence[EssayFile]) -> float:
        """Seconds from the first byte of ``files`` to the results of all."""
        return self.timed(files)[1]

    def timed(self, files: Sequence[EssayFile]) -> tuple[float, float]:
        """Seconds from the first byte of ``files`` until all are acknowledged, and to the results of all."""
        batch_id = self.register(len(files))
        began = time.monotonic()
        self.upload_all(batch_id, files)
        acknowledged = time.monotonic() - began
        self.wait_for_results(batch_id)
        return acknowledged, time.monotonic() - began
