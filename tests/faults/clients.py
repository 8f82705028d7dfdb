"""Clients of a chaos run: teachers' programs that register, upload, decide, and repeat what got no answer."""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.faults.calls import Reached
from tests.faults.history import History
from tests.installation import Answer

CANARY = "kanarie"  # in every user name, file name, title and essay; never in a log
CUT_SHARE = 0.15  # of the uploads are cut off at some byte, and then sent whole under the same key
CALLED_OFF_SHARE = 0.4
UNKNOWN = frozenset({0, 429, 500, 502, 503, 504, 507})
DONE = frozenset({"completed", "completed_with_failures", "failed", "cancelled"})
ESSAY = (
    "{canary}text {number}. Every morning the same thing happens at my school. We walk in, and before the "
    "first lesson all the phones go into a box on the desk. Some students think that this is unfare, but I "
    "have changed my mind about it."
)


@dataclass
class Batch:
    """A batch as its client knows it."""

    batch_id: str
    expected: int
    files: list[str] = field(default_factory=list)


class Client:
    """One client; everything it does is decided by its seed. Batches are told to ``opened``."""

    def __init__(
        self,
        number: int,
        installation: Reached,
        token: str,
        history: History,
        seed: int,
        opened: Callable[[str, str], None],
    ) -> None:
        self.number = number
        self.installation = installation
        self.token = token
        self.history = history
        self.choose = random.Random(f"{seed}/{number}")  # noqa: S311
        self.opened = opened
        self.stop = threading.Event()
        self.give_up_at = float("inf")
        self._made = 0

    def run(self) -> None:
        """Work on one batch after the other until told to stop."""
        while not self.stop.is_set():
            batch = self.register()
            if batch is None:
                return
            self.fill(batch)
            for _ in range(self.choose.choice([0, 1, 1, 2])):
                self.decide(batch)
            self.wait_for(batch, self.choose.uniform(2, 8))
            for _ in range(self.choose.choice([0, 1, 1, 2])):
                self.hand_back(batch)

    def key(self) -> str:
        """A fresh idempotency key that the seed gives."""
        return str(UUID(int=self.choose.getrandbits(128), version=4))

    def insist(self, kind: str, request: Callable[[], Answer], **facts: Any) -> Answer | None:
        """Repeat a request with the same key until it is answered for good; None when time is up."""
        while time.monotonic() < self.give_up_at:
            answer = request()
            self.history.note(
                kind,
                client=self.number,
                status=answer.status,
                answer=answer.body if isinstance(answer.body, dict) else None,
                **facts,
            )
            busy = answer.status == 409 and answer.body.get("code") == "REQUEST_IN_PROGRESS"
            if answer.status not in UNKNOWN and not busy:
                return answer
            time.sleep(self.choose.uniform(0.1, 0.4))
        return None

    def send(self, kind: str, path: str, body: Any, method: str = "POST", **facts: Any) -> Answer | None:
        """One JSON request under a key of its own, insisted on."""
        key = self.key()
        return self.insist(
            kind,
            lambda: self.installation.send_json(path, body, self.token, key, method),
            key=key,
            path=path,
            **facts,
        )

    def register(self) -> Batch | None:
        """A new batch of a few essays."""
        expected = self.choose.randint(2, 6)
        body = {
            "expected_essay_count": expected,
            "language": self.choose.choice(["sv", "en"]),
            "title": f"{CANARY}titel {self.number}",
        }
        answer = self.send("register", "/v1/batches/register", body)
        if answer is None or answer.status != 201:
            return None
        self.opened(answer.body["batch_id"], self.token)
        return Batch(answer.body["batch_id"], expected)

    def essay(self) -> bytes:
        """Content for the next file: mostly good, sometimes empty, junk, or the same again."""
        roll = self.choose.random()
        if roll < 0.06:
            return b""
        if roll < 0.12:
            return b"\x00\x01" + self.choose.randbytes(300)
        if roll >= 0.22 or not self._made:
            self._made += 1
        text = ESSAY.format(canary=CANARY, number=self.number * 1_000_000 + self._made)
        return text.encode()

    def fill(self, batch: Batch) -> None:
        """Upload about as many files as the batch expects, sometimes too many."""
        for place in range(batch.expected + self.choose.choice([-1, 0, 0, 0, 1, 2])):
            if self.stop.is_set():
                return
            self.upload(batch, place)

    def upload(self, batch: Batch, place: int) -> None:
        """One file in one request."""
        data, key = self.essay(), self.key()
        name = f"{CANARY}fil {self.number} {place} åäö.txt"
        if self.choose.random() < CUT_SHARE:
            self.installation.upload_cut_off(
                batch.batch_id, self.token, name, data, key, self.choose.random()
            )
        answer = self.insist(
            "upload",
            lambda: self.installation.upload(batch.batch_id, self.token, name, data, key),
            key=key,
            batch=batch.batch_id,
            sha256=hashlib.sha256(data).hexdigest(),
        )
        if answer is not None and answer.status in {201, 207}:
            batch.files += [each["file_upload_id"] for each in answer.body["files"] if each["file_upload_id"]]

    def decide(self, batch: Batch) -> None:
        """One decision of a teacher."""
        if self.stop.is_set():
            return
        home = f"/v1/batches/{batch.batch_id}"
        what = self.choose.choice(
            ["extend", "expect", "start", "remove", "replace", "reread", "reprocess", "cancel"]
        )
        bodies: dict[str, dict[str, Any]] = {
            "extend": {"seconds": 60},
            "expect": {"expected_essay_count": batch.expected + self.choose.randint(-1, 2)},
            "start": {},
            "reprocess": {"phase": "spellcheck"},
            "cancel": {"reason": f"{CANARY}orsak"},
        }
        if what in bodies:
            if what == "cancel" and self.choose.random() < 0.5:
                return
            self.send(what, f"{home}/{what}", bodies[what], batch=batch.batch_id)
        elif batch.files:
            self.change(what, self.choose.choice(batch.files), batch)

    def change(self, what: str, file_id: str, batch: Batch) -> None:
        """Remove, replace or read again one file."""
        path = f"/v1/files/{file_id}"
        facts = {"batch": batch.batch_id, "file": file_id}
        if what == "remove":
            self.send("remove", path, None, "DELETE", **facts)
        elif what == "reread":
            self.send("reread", f"{path}/reprocess", {}, **facts)
        else:
            self._made += 1
            text = ESSAY.format(canary=CANARY, number=self.number * 1_000_000 + self._made)
            data, key = text.encode(), self.key()
            self.insist(
                "replace",
                lambda: self.installation.put_content(file_id, self.token, f"{CANARY}ny.txt", data, key),
                key=key,
                sha256=hashlib.sha256(data).hexdigest(),
                **facts,
            )

    def hand_back(self, batch: Batch) -> None:
        """Ask for an export and let it be made; sometimes call it off, soon or late."""
        if self.stop.is_set():
            return
        body = {"kind": self.choose.choice(["pdf", "pdf", "both", "csv"]), "language": "en"}
        answer = self.send("export", f"/v1/batches/{batch.batch_id}/exports", body, batch=batch.batch_id)
        if self.choose.random() < CALLED_OFF_SHARE and answer is not None and answer.status in {200, 201}:
            time.sleep(self.choose.choice([0, 0, 0.3, 1.5]))
            path = f"/v1/exports/{answer.body['export_id']}"
            self.send("call off", path, None, "DELETE", export=answer.body["export_id"])

    def wait_for(self, batch: Batch, seconds: float) -> None:
        """Wait until the batch is done, at most ``seconds``, as a patient teacher does."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.stop.is_set():
            answer = self.installation.get(f"/v1/batches/{batch.batch_id}/status", self.token)
            self.history.note("status", client=self.number, status=answer.status, batch=batch.batch_id)
            if answer.status == 200 and answer.body["status"] in DONE:
                return
            time.sleep(0.5)
