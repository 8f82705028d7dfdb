#!/usr/bin/env python3
"""Uploads a folder of essays to HuleEdu and waits for the results. Needs Python 3.11 and nothing else.

    python docs/upload_folder.py http://127.0.0.1:8000 USER PASSWORD FOLDER [sv|en]

Ends with 0 when every file became an essay with results, with 1 when some did not,
with 2 when it could not go on.
"""

import hashlib
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

TRIES = 6
FILES_AT_ONCE = 20
POLL_SECONDS = 1.0
WAIT_SECONDS = 3600
AGAIN = {0, 408, 429, 500, 502, 503, 504, 507}  # 0: no answer came


@dataclass
class Reply:
    """One answer; ``status`` 0 when none came."""

    status: int
    body: dict[str, Any]
    retry_after: float = 0.0


class Refused(Exception):
    """The server said no, with a problem that trying again does not solve."""


class Server:
    """HuleEdu's HTTP interface with one account's token."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.token = ""

    def sign_in(self, username: str, password: str) -> None:
        """Get a token. Raises ``Refused``."""
        answer = self.call("POST", "/v1/auth/token", {"username": username, "password": password})
        self.token = answer["token"]

    def call(self, method: str, path: str, data: object = None, key: str | None = None) -> dict[str, Any]:
        """One JSON request, repeated under the same key until it is answered. Raises ``Refused``."""
        body = None if data is None else json.dumps(data).encode()
        return self.send(method, path, body, "application/json", key)

    def send(
        self, method: str, path: str, body: bytes | None, content_type: str, key: str | None
    ) -> dict[str, Any]:
        """One request, repeated while the fault is not in it. Raises ``Refused``."""
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(self.address + path, body, headers, method=method)  # noqa: S310
        for attempt in range(TRIES):
            reply = exchange(request)
            in_progress = reply.status == 409 and reply.retry_after > 0
            if reply.status not in AGAIN and not in_progress:
                break
            time.sleep(reply.retry_after or 0.5 * 2**attempt)
        if not 200 <= reply.status < 300:
            raise Refused(f"{method} {path}: {reply.status} {reply.body.get('title', 'no answer')}")
        return reply.body


def exchange(request: urllib.request.Request) -> Reply:
    """Send the request once."""
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return Reply(answer.status, json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, problem_of(error.read()), float(error.headers.get("Retry-After", 0)))
    except (OSError, ValueError):
        return Reply(0, {})


def problem_of(body: bytes) -> dict[str, Any]:
    """The problem in an answer, empty when there is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def multipart(batch_id: str, files: list[Path]) -> tuple[bytes, str]:
    """The form for ``files`` with its manifest, and its content type."""
    contents = [file.read_bytes() for file in files]
    manifest = [
        {
            "client_ref": str(number),
            "filename": file.name,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for number, (file, data) in enumerate(zip(files, contents, strict=True))
    ]
    boundary = uuid4().hex
    fields = {"batch_id": batch_id, "manifest": json.dumps(manifest)}
    parts = [part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [
        part(boundary, f'name="files"; filename="{number}{file.suffix}"', data)
        for number, (file, data) in enumerate(zip(files, contents, strict=True))
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def part(boundary: str, disposition: str, data: bytes) -> bytes:
    """One part of a form."""
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"


def is_of_the_system(name: str) -> bool:
    """True for files that computers put into folders by themselves."""
    return name.startswith((".", "~$")) or name in {"Thumbs.db", "desktop.ini"}


def upload(server: Server, folder: Path, language: str) -> str:
    """Register a batch for the folder's files and send them; returns the batch's id. Raises ``Refused``."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and not is_of_the_system(file.name))
    if not files:
        raise Refused(f"{folder} holds no files")
    body = {"expected_essay_count": len(files), "title": folder.resolve().name[:200], "language": language}
    batch = server.call("POST", "/v1/batches/register", body, key=str(uuid4()))
    batch_id: str = batch["batch_id"]
    for start in range(0, len(files), FILES_AT_ONCE):
        form, content_type = multipart(batch_id, files[start : start + FILES_AT_ONCE])
        answer = server.send("POST", "/v1/files/batch", form, content_type, key=str(uuid4()))
        say(f"{start + len(answer['files'])} of {len(files)} files sent")
    return batch_id


def wait(server: Server, batch_id: str) -> None:
    """Follow the batch's events until results are ready or nothing more will happen. Raises ``Refused``."""
    snapshot = start_if_stuck(server, server.call("GET", f"/v1/batches/{batch_id}"))
    seq, epoch = snapshot["seq"], snapshot["epoch"]
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if is_over(snapshot):
            return
        time.sleep(POLL_SECONDS)
        news = server.call("GET", f"/v1/batches/{batch_id}/events?after={seq}&epoch={epoch}")
        for event in news["events"]:
            say(f"  {event['event']}")
        seq, epoch = news["seq"], news["epoch"]
        if news["resync"] or news["events"]:
            snapshot = start_if_stuck(server, server.call("GET", f"/v1/batches/{batch_id}"))
    raise Refused("the results did not come in time")


def is_over(snapshot: dict[str, Any]) -> bool:
    """True when the batch is done, or when all its files are read and none can be an essay."""
    return snapshot["status"] not in {"awaiting_content", "ready", "processing"} or (
        all_read(snapshot) and not snapshot["counts"]["assigned"]
    )


def all_read(snapshot: dict[str, Any]) -> bool:
    """True when the batch waits for files although all that were sent are read."""
    counts = snapshot["counts"]
    waits = snapshot["status"] == "awaiting_content"
    return bool(waits and counts["received"] and not counts["in_progress"])


def start_if_stuck(server: Server, snapshot: dict[str, Any]) -> dict[str, Any]:
    """When all files are read and some cannot be essays, start with the rest. Raises ``Refused``."""
    if not all_read(snapshot) or not snapshot["counts"]["assigned"]:
        return snapshot
    return server.call("POST", f"/v1/batches/{snapshot['batch_id']}/start", {}, key=str(uuid4()))


def report(server: Server, batch_id: str) -> bool:
    """Print one line for each file; True when all became essays with results. Raises ``Refused``."""
    results = server.call("GET", f"/v1/batches/{batch_id}/results")
    for row in results["essays"]:
        spelling = row["spellcheck"] or {}
        say(f"{row['filename']}: {row['status']}, {row['words']} words, {spelling.get('findings')} findings")
    for row in results["files"]:
        say(f"{row['filename']}: {row['status']}, {(row['error'] or {}).get('message', '')}")
    return not results["files"] and all(row["status"] == "completed" for row in results["essays"])


def say(line: str) -> None:
    """Print ``line`` at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Upload, wait, report."""
    if len(arguments) not in {4, 5}:
        sys.stderr.write(__doc__ or "")
        return 2
    address, username, password, folder = arguments[:4]
    language = arguments[4] if len(arguments) == 5 else "sv"
    server = Server(address)
    try:
        server.sign_in(username, password)
        batch_id = upload(server, Path(folder), language)
        wait(server, batch_id)
        return 0 if report(server, batch_id) else 1
    except (Refused, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
