"""A page open on a batch, without a browser: a snapshot, then messages by number, wherever they come from."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from batches.models import Batch
from huleedu.events import feed
from results.queries import snapshot
from results.shapes import Snapshot

CHANGES: dict[str, str] = {
    "batch.file.added": "processing",
    "file.processing.started": "processing",
    "essay.slot.assigned": "assigned",
    "essay.validation.failed": "failed",
    "essay.content.excess": "excess",
    "essay.content.duplicate": "duplicate",
    "batch.file.removed": "removed",
}
SHOWN = ("status", "expected_essay_count", "deadline")


@dataclass
class Reader:
    """What one page shows of ``batch_id``; it may leave at any time and come back with its position."""

    batch_id: UUID
    epoch: UUID | None = None
    seq: int = -1
    batch: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> None:
        """Start from the whole batch as it is now."""
        whole = self.look()
        self.epoch, self.seq = whole.epoch, whole.seq
        self.files = {str(each.file_upload_id): each.model_dump() for each in whole.files}

    def look(self) -> Snapshot:
        """Read the whole batch for what messages do not tell."""
        whole = snapshot(Batch.objects.get(pk=self.batch_id))
        self.batch = {name: getattr(whole, name) for name in SHOWN}
        return whole

    def come_back(self, limit: int | None = None) -> int:
        """Catch up from the feed, at most ``limit`` messages; each must be the next one. Returns how many."""
        missed = feed.missed(self.batch_id, self.seq, self.epoch)
        assert not missed.resync, f"position {self.seq} cannot be continued at {missed.seq}"
        numbers = [message["seq"] for message in missed.events]
        assert numbers == list(range(self.seq + 1, missed.seq + 1)), "the feed has a gap or a repeat"
        taken = missed.events[:limit]
        for message in taken:
            self.take(message)
        return len(taken)

    def take(self, message: dict[str, Any]) -> None:
        """Change what the page shows, as its script does."""
        name, data = message["event"], message["data"]
        assert data["batch_id"] == str(self.batch_id), "a message of another batch"
        self.seq = message["seq"]
        if "file_upload_id" in data:
            self.change_file(name, data)
        if name.startswith("batch.") and not name.startswith("batch.file."):
            self.look()

    def change_file(self, name: str, data: dict[str, Any]) -> None:
        """What one message says of one file; what an older state of it says comes too late."""
        known = self.files.setdefault(data["file_upload_id"], {"status": "processing", "rev": -1})
        if data.get("rev", known["rev"]) < known["rev"]:
            return
        known["rev"] = data.get("rev", known["rev"])
        if name == "file.reprocess.requested":
            known["status"] = "processing" if data["from_phase"] == "extract" else known["status"]
        else:
            known["status"] = CHANGES.get(name, known["status"])
        if name == "essay.slot.assigned":
            known["essay_number"] = data["essay_number"]

    def shows(self) -> dict[str, Any]:
        """The picture: the batch, and each file with its status and essay number."""
        present = {pk: each for pk, each in self.files.items() if each["status"] != "removed"}
        files = {
            pk: (each["status"], each["essay_number"] if each["status"] == "assigned" else None)
            for pk, each in present.items()
        }
        return {**self.batch, "seq": self.seq, "files": files}


def fresh(batch: Batch) -> Reader:
    """A page opened now."""
    reader = Reader(batch.pk)
    reader.open()
    return reader
