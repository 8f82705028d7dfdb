"""Looks at what a run left behind: plain SQL, the content folder, the logs and what clients were told.

Nothing of the application's code is used, so that a mistake there cannot hide itself here.
"""

import hashlib
import json
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.queries import FACTS_THAT_MUST_NOT_BE

ORPHAN_SECONDS = 3600.0
MARK = "installation"  # the file that says whose store it is
KEPT = frozenset({201, 207})
# Files of which something has been erased: they were removed or replaced ten minutes before.
FORGOTTEN = "SELECT file_upload_id FROM huleedu_erasure WHERE begun_at IS NOT NULL AND kind <> 'batch'"
Row = tuple[Any, ...]


@dataclass
class Checker:
    """One installation's traces. ``check`` returns every violation as one line."""

    database_url: str
    content: Path
    logs: Path
    history: list[dict[str, Any]]
    canary: str
    violations: list[str] = field(default_factory=list)

    def check(self) -> list[str]:
        """All invariants."""
        self.check_state()
        with self.one_moment():
            self.check_uploads()
            self.check_replacements()
            self.check_nothing_twice()
            self.check_exports()
            self.check_messages()
        self.check_logs()
        return self.violations

    def check_state(self) -> list[str]:
        """What must hold whoever did what."""
        with self.one_moment():
            self.check_rows()
            self.check_feed()
            self.check_effects()
            self.check_store()
        return self.violations

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """All rows that are read inside are of one moment: somebody may still be at work."""
        with psycopg.connect(self.database_url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self.connection = connection
            yield

    def rows(self, statement: str) -> list[Row]:
        """All rows of one statement."""
        return self.connection.execute(statement.encode()).fetchall()

    def say(self, invariant: str, text: str) -> None:
        """Note a violation."""
        self.violations.append(f"{invariant}: {text}")

    def check_rows(self) -> None:
        """Statements that must find nothing."""
        for name, (invariant, statement) in FACTS_THAT_MUST_NOT_BE.items():
            found = self.rows(statement)
            if found:
                self.say(invariant, f"{name}: {len(found)}, first {found[0]}")

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """What clients asked and were told, one kind of request."""
        return [fact for fact in self.history if fact["kind"] == kind]

    def check_uploads(self) -> None:
        """I1: every acknowledged file has a row in a good state, and its bytes."""
        files = {
            str(pk): (status, str(raw) if raw else None, str(batch), updated)
            for pk, status, raw, batch, updated in self.rows(
                "SELECT id, status, raw_storage_id, batch_id, revision FROM files_fileupload"
            )
        }
        replaced = {fact["file"] for fact in self.answers("replace") if fact["status"] == 200}
        for fact in self.answers("upload"):
            if fact["status"] not in KEPT:
                continue
            for told in fact["answer"]["files"]:
                file_id = told["file_upload_id"]
                if file_id is None:
                    continue
                row = files.get(file_id)
                if row is None:
                    self.say("I1", f"acknowledged file {file_id} has no row")
                elif row[2] != fact["batch"]:
                    self.say("I1", f"file {file_id} is in another batch")
                elif row[0] == "processing":
                    self.say("I1", f"file {file_id} is still being read")
                elif row[1] and file_id not in replaced:
                    self.check_object(row[1], fact["sha256"])

    def check_object(self, content_id: str, sha256: str) -> None:
        """I1: the object is there, whole."""
        name = content_id.replace("-", "")
        path = self.content / "raw" / name[:2] / name
        if not path.exists():
            self.say("I1", f"object {content_id} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            self.say("I1", f"object {content_id} is not what was sent")

    def check_replacements(self) -> None:
        """I1: an acknowledged replacement is stored whole, and the last one is the file's content."""
        kept = {row[0] for row in self.rows("SELECT sha256 FROM files_storedcontent WHERE kind = 'raw'")}
        current = {str(pk): sha for pk, sha in self.rows("SELECT id, content_hash FROM files_fileupload")}
        forgotten = {str(pk) for (pk,) in self.rows(FORGOTTEN)}
        last: dict[str, str] = {}
        for fact in self.answers("replace"):
            if fact["status"] == 200:
                last[fact["file"]] = fact["sha256"]
                if fact["sha256"] not in kept and fact["file"] not in forgotten:
                    self.say("I1", f"replacement of {fact['file']} is lost")
        pending = {fact["file"] for fact in self.answers("replace")} - set(last)
        for file_id, sha256 in last.items():
            if current.get(file_id) != sha256 and file_id not in pending | forgotten:
                self.say("I1", f"file {file_id} does not hold its last replacement")

    def check_nothing_twice(self) -> None:
        """Repeats of one key have one effect and one answer; no file came from nowhere."""
        told: dict[str, set[str]] = defaultdict(set)
        keys = {hashlib.sha256(fact["key"].encode()).hexdigest() for fact in self.answers("upload")}
        for fact in self.history:
            if fact["kind"] == "upload" and fact["status"] in KEPT:
                told[fact["key"]].add(str([each["file_upload_id"] for each in fact["answer"]["files"]]))
            elif fact["kind"] == "register" and fact["status"] == 201:
                told[fact["key"]].add(fact["answer"]["batch_id"])
        for key, answers in told.items():
            if len(answers) > 1:
                self.say("twice", f"key {key} was answered in {len(answers)} ways")
        for (upload_key,) in self.rows("SELECT upload_key FROM files_fileupload"):
            if upload_key is None or upload_key.split(":")[0] not in keys:
                self.say("twice", f"a file nobody sent: {upload_key}")
        registered = {fact["key"] for fact in self.answers("register")}
        batches = self.rows("SELECT count(*) FROM batches_batch")[0][0]
        if batches > len(registered):
            self.say("twice", f"{batches} batches of {len(registered)} registrations")

    def check_exports(self) -> None:
        """I1 and I4: each that was acknowledged has ended, whole, once; what was called off stays so."""
        statement = "SELECT id, batch_id, status, storage_id FROM results_export"
        exports = {
            str(pk): (str(batch), status, stored) for pk, batch, status, stored in self.rows(statement)
        }
        asked = self.answers("export")
        for fact in asked:
            if fact["status"] in {200, 201}:
                row = exports.get(fact["answer"]["export_id"])
                if row is None or row[0] != fact["batch"]:
                    self.say("I1", f"acknowledged export {fact['answer']['export_id']} is not there")
        if len(exports) > len({fact["key"] for fact in asked}):
            self.say("twice", f"{len(exports)} exports, asked for by fewer")
        for fact in self.answers("call off"):
            status = exports.get(fact["export"], ("", "", None))[1]
            if fact["status"] == 200 and status != fact["answer"]["status"]:
                self.say("I1", f"export {fact['export']} was {fact['answer']['status']}, now it is {status}")
        for export_id, (_batch, status, stored) in exports.items():
            if status == "ready":
                self.check_archive(export_id, stored.hex)

    def check_archive(self, export_id: str, name: str) -> None:
        """I1: an archive can be read to its end."""
        path = self.content / "made" / name[:2] / name
        with suppress(FileNotFoundError):  # told by ``check_store``
            if path.read_bytes()[:2] == b"PK":
                with zipfile.ZipFile(path) as archive:
                    if archive.testzip() is not None or not archive.namelist():
                        self.say("I1", f"export {export_id} is not whole")

    def check_feed(self) -> None:
        """I5: each batch's numbers are 1, 2, 3 … up to where its feed stands."""
        numbers: dict[str, list[int]] = defaultdict(list)
        statement = "SELECT batch_id, seq FROM huleedu_loggedevent WHERE seq IS NOT NULL ORDER BY id"
        for batch_id, seq in self.rows(statement):
            numbers[batch_id].append(seq)
        for batch_id, seq in self.rows("SELECT batch_id, seq FROM huleedu_feed"):
            if sorted(numbers[batch_id]) != list(range(1, seq + 1)):
                self.say("I5", f"numbers of batch {batch_id} have gaps")

    def check_messages(self) -> None:
        """I5: what readers got are messages that exist."""
        known = {
            (str(batch_id), seq)
            for batch_id, seq in self.rows("SELECT batch_id, seq FROM huleedu_loggedevent WHERE seq > 0")
        }
        invented = [each for each in self.answers("message") if (each["batch"], each["seq"]) not in known]
        if invented:
            self.say("I5", f"{len(invented)} messages were sent and are not in the log")

    def check_effects(self) -> None:
        """I4: every consumer of a kind of event has had every event of that kind, once."""
        statement = """
            SELECT event.event_type, event.event_id, array_agg(consumer ORDER BY consumer)
                   FILTER (WHERE consumer IS NOT NULL)
            FROM huleedu_loggedevent event LEFT JOIN huleedu_consumedevent consumed USING (event_id)
            GROUP BY event.event_type, event.event_id
        """
        consumers: dict[str, set[str]] = defaultdict(set)
        events = self.rows(statement)
        for event_type, _event_id, names in events:
            consumers[event_type] |= set(names or [])
        for event_type, event_id, names in events:
            if len(names or []) != len(consumers[event_type]):
                self.say("I4", f"{event_type} {event_id} did not reach all its consumers")

    def check_store(self) -> None:
        """I1 and I6: every row has its bytes; no partly written file or orphan is old."""
        stored = self.rows("SELECT id, kind, sha256, size FROM files_storedcontent")
        known = set()
        for content_id, kind, sha256, size in stored:
            path = self.content / kind / content_id.hex[:2] / content_id.hex
            known.add(path)
            if not path.exists():
                self.say("I1", f"{kind} {content_id} has a row and no bytes")
            elif path.stat().st_size != size or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                self.say("I1", f"{kind} {content_id} is damaged")
        for path in self.content.rglob("*"):
            old = path.is_file() and time.time() - path.stat().st_mtime > ORPHAN_SECONDS
            if old and path not in known and path.name != MARK:
                self.say("I6", f"left behind: {path.relative_to(self.content)}")

    def check_logs(self) -> None:
        """I9: a failure of ours is in the log under its correlation id; nothing personal is."""
        text = ""
        for path in sorted(self.logs.glob("*.log*")):
            lines = path.read_text(errors="replace")
            text += lines
            told = [line for line in lines.splitlines() if self.canary in line]
            if told:
                self.say("I9", f"{path.name} holds personal data {len(told)} times: {told[0][:300]}")
        for fact in self.history:
            if fact.get("status") != 500:
                continue
            correlation_id = (fact["answer"] or {}).get("correlation_id")
            logged = correlation_id is not None and correlation_id in text
            self.say("I9", f"{fact['kind']} was answered 500, {'logged' if logged else 'NOT logged'}")


def snapshot_counts(connection: "psycopg.Connection[Row]", batch_id: str) -> dict[str, int]:
    """The counts of one batch as the rows say, under the names that the API uses."""
    by_status: dict[str, int] = dict(
        connection.execute(
            "SELECT status, count(*) FROM files_fileupload WHERE batch_id = %s GROUP BY status", [batch_id]
        ).fetchall()
    )
    row = connection.execute(
        "SELECT expected_essay_count FROM batches_batch WHERE id = %s", [batch_id]
    ).fetchone()
    expected = int(row[0]) if row else 0
    statuses = ("assigned", "failed", "excess", "duplicate", "processing")
    return {
        "free": expected - by_status.get("assigned", 0),
        "received": sum(by_status.get(status, 0) for status in statuses),
        "in_progress": by_status.get("processing", 0),
        **{status: by_status.get(status, 0) for status in statuses[:4]},
    }


def counts_differ(snapshot: dict[str, Any], counts: dict[str, int]) -> str:
    """How the API's counts differ from the rows'; empty when they agree."""
    told = {name: snapshot["counts"].get(name) for name in counts}
    return "" if told == counts else f"told {json.dumps(told)}, rows say {json.dumps(counts)}"
