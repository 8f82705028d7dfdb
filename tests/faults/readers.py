"""Readers of a chaos run: each follows one batch by socket or by polling and keeps what a page would keep."""

import json
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.faults.calls import Reached
from tests.faults.history import History

STATUS_AFTER = {
    "batch.file.added": "processing",
    "essay.slot.assigned": "assigned",
    "essay.validation.failed": "failed",
    "essay.content.excess": "excess",
    "essay.content.duplicate": "duplicate",
    "batch.file.removed": "removed",
}
FORGOTTEN = "00000000-0000-4000-8000-000000000000"  # the epoch of a log that is gone


class Reader:
    """One page open on one batch: a snapshot first, then every message in order.

    ``long_away`` lets it come back, once, with a position in a log that is gone.
    """

    def __init__(
        self, installation: Reached, token: str, batch_id: str, history: History, choose: random.Random
    ) -> None:
        self.installation = installation
        self.token = token
        self.batch_id = batch_id
        self.history = history
        self.choose = choose
        self.stop = threading.Event()
        self.epoch = ""
        self.seq = -1
        self.files: dict[str, str] = {}
        self.problems: list[str] = []
        self.socket: ClientConnection | None = None
        self.long_away = threading.Event()

    def run(self) -> None:
        """Follow until told to stop; a mistake of the reader's own is told, not taken for silence."""
        try:
            while not self.stop.is_set():
                if self.long_away.is_set():
                    self.epoch, self.seq = FORGOTTEN, 0
                    self.long_away.clear()
                if self.seq >= 0 or self.read_snapshot():
                    self.follow()
                time.sleep(self.choose.uniform(0.05, 0.5))
        except Exception as error:
            self.problems.append(f"the reader itself failed: {error!r}")
            raise

    def follow(self) -> None:
        """Read what is new."""
        raise NotImplementedError

    def read_snapshot(self) -> bool:
        """Start from the whole batch; False when nobody answers."""
        answer = self.installation.get(f"/v1/batches/{self.batch_id}", self.token)
        if answer.status != 200:
            return False
        self.epoch, self.seq = answer.body["epoch"], answer.body["seq"]
        self.files = {each["file_upload_id"]: each["status"] for each in answer.body["files"]}
        self.history.note("snapshot", batch=self.batch_id, seq=self.seq)
        return True

    def take(self, message: dict[str, Any]) -> None:
        """One message; it must be the next one."""
        if message["seq"] != self.seq + 1:
            self.problems.append(f"got {message['seq']} after {self.seq}")
        self.seq = message["seq"]
        self.history.note("message", batch=self.batch_id, seq=self.seq, by=type(self).__name__)
        self.apply(message["event"], message["data"])

    def apply(self, event: str, data: dict[str, Any]) -> None:
        """Change what the page shows."""
        if event in STATUS_AFTER:
            self.files[data["file_upload_id"]] = STATUS_AFTER[event]
        elif event == "file.reprocess.requested" and data["from_phase"] == "extract":
            self.files[data["file_upload_id"]] = "processing"

    def differs_from(self, snapshot: dict[str, Any]) -> str:
        """How the page differs from a fresh one; empty when it does not."""
        if self.problems:
            return "; ".join(self.problems)
        if (self.seq, self.epoch) != (snapshot["seq"], snapshot["epoch"]):
            return f"is at {self.seq}, the batch at {snapshot['seq']}{self.story()}"
        fresh = {each["file_upload_id"]: each["status"] for each in snapshot["files"]}
        mine = {file: status for file, status in self.files.items() if status != "removed" or file in fresh}
        wrong = {file for file in mine.keys() | fresh.keys() if mine.get(file) != fresh.get(file)}
        return f"shows {len(wrong)} files wrongly" if wrong else ""

    def story(self) -> str:
        """What else tells why a page is behind."""
        return ""


class PollingReader(Reader):
    """Asks for events every half second."""

    def follow(self) -> None:
        """One question."""
        path = f"/v1/batches/{self.batch_id}/events?after={self.seq}&epoch={self.epoch}"
        answer = self.installation.get(path, self.token)
        if answer.status != 200:
            return
        if answer.body["resync"]:
            self.seq = -1
            return
        for message in answer.body["events"]:
            self.take(message)
        time.sleep(0.5)


class SocketReader(Reader):
    """Holds a socket open, and comes back with its position when it is cut off.

    Like the browser's page it judges by what it hears: one that hears nothing for 2.25 heartbeats leaves. The
    client library's own pings are off; they would judge by how busy this machine is.
    """

    patience = 45.0
    heard_at = 0.0

    def __init__(
        self, installation: Reached, token: str, batch_id: str, history: History, choose: random.Random
    ) -> None:
        super().__init__(installation, token, batch_id, history, choose)
        self.ends: Counter[str] = Counter()

    def follow(self) -> None:
        """One connection, until it ends."""
        url = self.installation.url.replace("http", "ws", 1)
        address = f"{url}/ws/batches/{self.batch_id}/?after={self.seq}&epoch={self.epoch}"
        headers = {"Authorization": f"Bearer {self.token}"}
        origin = Origin(self.installation.url)
        try:
            opened = connect(
                address,
                additional_headers=headers,
                origin=origin,
                open_timeout=5,
                close_timeout=1,
                ping_interval=None,
            )
            with opened as self.socket:
                self.listen(self.socket)
        except (OSError, WebSocketException, EOFError) as error:
            self.ends[f"{type(error).__name__}: {error}"[:100]] += 1
        self.socket = None

    def listen(self, socket: ClientConnection) -> None:
        """Take messages until the socket ends or is silent for too long."""
        while not self.stop.is_set():
            message = json.loads(socket.recv(timeout=self.patience))
            self.heard_at = time.monotonic()
            if message["type"] == "resync":
                self.seq = -1
                return
            if message["type"] == "hello":
                self.patience = message["heartbeat"] * 2.25
            elif message["type"] == "event":
                self.take(message)

    def story(self) -> str:
        """Whether it is connected, when it last heard anything, and how its connections ended."""
        state = "connected" if self.socket is not None else "not connected"
        return f" ({state}, heard {time.monotonic() - self.heard_at:.0f} s ago, ended {dict(self.ends)})"

    def drop(self) -> None:
        """Cut the connection, as a network does."""
        followed = self.socket
        if followed is not None:
            with suppress(OSError):
                followed.socket.shutdown(SHUT_RDWR)
