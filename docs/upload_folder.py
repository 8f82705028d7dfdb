#!/usr/bin/env python3
"""Uploads a folder of essays to HuleEdu and waits for the results. Needs Python 3.11 and nothing else.

    python docs/upload_folder.py http://127.0.0.1:8000 USER FOLDER [sv|en]

The last word is the language of the class; without it HuleEdu finds it from the essays. The password is asked
for, or read from the variable HULEEDU_PASSWORD, or from the first line of the file that HULEEDU_PASSWORD_FILE
names: other people on the same computer can read the words of a command.

Every file of the folder itself is sent; what is not is named. Stopped or cut off, run the same command again:
it goes on with the same batch and sends what is missing. Until all is done it keeps its place in
FOLDER/.huleedu-upload.json.

Ends with
    0   every file became an essay with results
    1   some did not, or could not be read or sent; each is named
    2   it could not go on, or was stopped: says why, and the same command goes on if that is mended
"""

import hashlib
import json
import os
import stat
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from getpass import getpass
from http.client import HTTPException
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

TRIES = 8
LONGEST_PAUSE = 15.0  # seconds
LONGEST_WAIT = 900.0  # seconds, whatever the server asks for
ROUNDS = 3  # of sending what did not arrive whole
# The server may take less (GET /v1/limits). Small requests lose less when a connection breaks.
FILES_AT_ONCE = 20
BYTES_AT_ONCE = 32 * 1024 * 1024
FORM_BYTES = 64 * 1024  # of a request, around its files
POLL_SECONDS = 1.0
WAIT_SECONDS = 3600
AGAIN = {0, 408, 429, 500, 502, 503, 504, 507}  # 0: no answer came
LANGUAGES = ("sv", "en")
STATE = ".huleedu-upload.json"


@dataclass
class Reply:
    """One answer; ``status`` 0 when none came."""

    status: int
    body: dict[str, Any]
    retry_after: float = 0.0


class Refused(Exception):
    """The server said no, with a problem that trying again does not solve."""

    def __init__(self, told: str, reply: Reply | None = None) -> None:
        super().__init__(told)
        self.status = reply.status if reply else 0
        self.body = reply.body if reply else {}


class Server:
    """HuleEdu's HTTP interface with one account's token."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self.address = address.rstrip("/")
        self.username = username
        self.password = password
        self.token = ""

    def sign_in(self) -> None:
        """Get a token. Raises ``Refused``."""
        self.token = ""
        asked = {
            "username": self.username,
            "password": self.password,
            "name": "upload_folder.py",
            "expires_in_days": 1,
        }
        self.token = self.call("POST", "/v1/auth/token", asked)["token"]

    def limits(self) -> dict[str, Any]:
        """What the server takes; empty for one that does not tell. Raises ``Refused``."""
        try:
            return self.call("GET", "/v1/limits")
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return {}

    def call(self, method: str, path: str, data: object = None, key: str | None = None) -> dict[str, Any]:
        """One JSON request, repeated under the same key until it is answered. Raises ``Refused``."""
        body = None if data is None else json.dumps(data).encode()
        return self.send(method, path, body, "application/json", key)

    def send(
        self, method: str, path: str, body: bytes | None, content_type: str, key: str | None
    ) -> dict[str, Any]:
        """One request, repeated while the fault is not in it; an ended token is renewed.

        Raises ``Refused``.
        """
        had_token = bool(self.token)
        reply = self.insist(method, path, body, content_type, key)
        if reply.status == 401 and had_token:
            self.sign_in()
            reply = self.insist(method, path, body, content_type, key)
        if not 200 <= reply.status < 300:
            raise Refused(told_of(f"{method} {path}", reply), reply)
        return reply.body

    def insist(self, method: str, path: str, body: bytes | None, content_type: str, key: str | None) -> Reply:
        """The last of at most ``TRIES`` answers, with growing pauses, or as long as the server asks for."""
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
            if attempt + 1 < TRIES:
                time.sleep(reply.retry_after or min(LONGEST_PAUSE, 0.5 * 2**attempt))
        return reply


class StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nobody to another address: the token and the essays are for this one."""

    def redirect_request(self, *_: Any) -> None:
        """None: the redirection is the answer."""


OPENER = urllib.request.build_opener(StayHere)


def exchange(request: urllib.request.Request) -> Reply:
    """Send the request once; an answer that is cut off is none."""
    with suppress(OSError, ValueError, HTTPException):
        try:
            answer = OPENER.open(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = problem_of(answer.read())
            pause = answer.headers.get("Retry-After", "")
            waits = min(float(pause), LONGEST_WAIT) if pause.isdigit() else 0.0
            if body or answer.status >= 300:
                return Reply(answer.status, body, waits)
    return Reply(0, {})


def problem_of(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer, empty when there is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def told_of(what: str, reply: Reply) -> str:
    """A refusal in words, with every complaint on a line of its own."""
    lines = [f"{what}: {reply.status or 'no answer'} {reply.body.get('title', '')}".rstrip()]
    lines += [f"  {error['path']}: {error['message']}" for error in reply.body.get("errors") or []]
    return "\n".join(lines)


@dataclass(frozen=True)
class Essay:
    """One file of the folder; ``ref`` names it and its content to the server."""

    path: Path
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name as it can be told."""
        return told_name(self.path)

    @property
    def ref(self) -> str:
        """The same for the same name and content; names that are told alike have their own."""
        return digest_of(told_name(self.path, "backslashreplace"), self.sha256)

    def read(self) -> bytes | None:
        """The content; None when the file has changed or gone since it was looked at."""
        with suppress(OSError):
            data = self.path.read_bytes()
            if hashlib.sha256(data).hexdigest() == self.sha256:
                return data
        return None


@dataclass
class Folder:
    """What a folder holds, and in words what of it is not sent."""

    essays: list[Essay] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def digest_of(*parts: str) -> str:
    """Hexadecimal SHA-256 of ``parts``."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def told_name(path: Path, errors: str = "replace") -> str:
    """A file's name as text, also when it is not UTF-8."""
    return os.fsencode(path.name).decode("utf-8", errors)


def look_into(folder: Path) -> Folder:
    """Read every file of ``folder`` once. Raises ``OSError`` when the folder itself cannot be read."""
    found = Folder()
    for path in sorted(folder.iterdir()):
        if path.name == STATE:
            continue
        name = told_name(path)
        try:
            if path.is_dir():
                found.left_out.append(f"{name}/: a folder of its own, send it by itself")
            elif is_of_the_system(path.name):
                found.left_out.append(f"{name}: hidden, or made by the computer")
            elif not stat.S_ISREG(path.stat().st_mode):  # reading it might never end
                found.left_out.append(f"{name}: no file")
            else:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    found.essays.append(Essay(path, file.tell(), digest))
        except OSError as error:
            found.unreadable.append(f"{name}: cannot be read ({error.strerror})")
    return found


def is_of_the_system(name: str) -> bool:
    """True for files that computers put into folders by themselves."""
    return name.startswith((".", "~$")) or name in {"Thumbs.db", "desktop.ini"}


@dataclass
class Place:
    """How far an upload has come; kept in the folder, so that the next run can go on."""

    address: str
    username: str
    key: str = field(default_factory=lambda: str(uuid4()))
    batch_id: str = ""
    sending: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, server: Server) -> "Place":
        """Where the last run stopped, or the beginning."""
        new = cls(server.address, server.username)
        with suppress(OSError, ValueError, TypeError):
            kept = cls(**json.loads((folder / STATE).read_text()))
            if (kept.address, kept.username) == (new.address, new.username):
                return kept
        return new

    def keep(self, folder: Path) -> None:
        """Write the place down, whole or not at all."""
        written = folder / f"{STATE}.new"
        try:
            written.write_text(json.dumps(asdict(self)))
            written.replace(folder / STATE)
        except OSError as error:
            say(
                f"If this is stopped it cannot go on by itself: {folder} cannot be written ({error.strerror})"
            )

    def forget(self, folder: Path) -> None:
        """All is done."""
        with suppress(OSError):
            (folder / STATE).unlink()


class Upload:
    """One folder on its way into one batch."""

    def __init__(self, server: Server, folder: Path, found: Folder, language: str | None) -> None:
        self.server = server
        self.folder = folder
        self.essays = found.essays
        self.language = language
        limits = server.limits()
        self.files_at_once = min(FILES_AT_ONCE, limits.get("files_per_request", FILES_AT_ONCE))
        most_bytes = limits.get("request_bytes", BYTES_AT_ONCE + FORM_BYTES) - FORM_BYTES
        self.bytes_at_once = max(1, min(BYTES_AT_ONCE, most_bytes))
        self.place = Place.of(folder, server)
        most = limits.get("file_bytes", sys.maxsize)
        self.problems = {
            each.ref: f"{each.name}: bigger than the server takes ({most} bytes)"
            for each in self.essays
            if each.size > most
        }

    def carry_out(self) -> str:
        """Register, send what is not there yet; the batch's id. Raises ``Refused``."""
        listed = self.find_batch()
        if self.place.sending:
            again = [essay for essay in self.essays if essay.ref in self.place.sending]
            if len(again) == len(self.place.sending) and not listed.issuperset(self.place.sending):
                self.send(again)
        for _ in range(ROUNDS):
            listed = self.listed()
            missing = [one for one in self.essays if one.ref not in listed and one.ref not in self.problems]
            if not missing:
                break
            sent = len(self.essays) - len(missing)
            for some in portions(missing, self.files_at_once, self.bytes_at_once):
                self.send(some)
                sent += len(some)
                say(f"{sent} of {len(self.essays)} files sent")
        else:
            raise Refused("some files do not arrive whole: run the same command again on a better connection")
        self.cancel_if_empty(listed)
        return self.place.batch_id

    def find_batch(self) -> set[str]:
        """What is in the batch where the last run stopped, or in a new one. Raises ``Refused``."""
        if self.place.batch_id:
            try:
                listed = self.listed()
                say(f"Going on with batch {self.place.batch_id}")
                return listed
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                self.place = Place(self.server.address, self.server.username)
        self.place.keep(self.folder)
        body = {
            "expected_essay_count": len(self.essays),
            "title": told_name(self.folder.resolve())[:200],
            "language": self.language,
        }
        key = digest_of(self.place.key, json.dumps(body))
        self.place.batch_id = self.server.call("POST", "/v1/batches/register", body, key)["batch_id"]
        self.place.keep(self.folder)
        return set()

    def listed(self) -> set[str]:
        """The refs of the files that are in the batch. Raises ``Refused``."""
        snapshot = self.server.call("GET", f"/v1/batches/{self.place.batch_id}")
        return {file["client_ref"] for file in snapshot["files"]}

    def send(self, essays: list[Essay]) -> None:
        """Send ``essays`` in one request, or in two when they are too much for it. Raises ``Refused``."""
        whole = self.unchanged(essays)
        essays = [essay for essay, _ in whole]
        if not essays:
            return
        self.place.sending = [essay.ref for essay in essays]
        self.place.keep(self.folder)
        form, content_type = multipart(self.place.batch_id, whole)
        key = digest_of(self.place.batch_id, *self.place.sending)
        try:
            answer = self.server.send("POST", "/v1/files/batch", form, content_type, key)
        except Refused as refusal:
            if refusal.status == 413 and len(essays) > 1:
                middle = len(essays) // 2
                self.send(essays[:middle])
                self.send(essays[middle:])
                return
            if refusal.status == 413:
                self.problems[essays[0].ref] = f"{essays[0].name}: {refusal.body.get('title', 'too big')}"
                return
            if refusal.body.get("code") == "BATCH_CLOSED":
                self.place.forget(self.folder)  # the next run makes a new one
            if refusal.status != 422 or "files" not in refusal.body:
                raise Refused(with_names(str(refusal), essays)) from refusal
            answer = refusal.body  # what did not arrive whole is sent again
        for file in answer["files"]:
            if file["file_upload_id"] is None:
                self.problems[file["client_ref"]] = f"{file['filename']}: {file['error']['message']}"

    def unchanged(self, essays: list[Essay]) -> list[tuple[Essay, bytes]]:
        """``essays`` with their contents, without those that have changed or gone, which are noted."""
        found = []
        for essay in essays:
            if (data := essay.read()) is not None:
                found.append((essay, data))
            else:
                self.problems[essay.ref] = f"{essay.name}: changed or gone since this began, send it again"
        return found

    def cancel_if_empty(self, listed: set[str]) -> None:
        """Leave no batch behind in which nothing is. Raises ``Refused``."""
        if not listed:
            reason = {"reason": "No file could be sent."}
            self.server.call("POST", f"/v1/batches/{self.place.batch_id}/cancel", reason, str(uuid4()))
            self.place.forget(self.folder)
            raise Refused("\n".join(["no file was taken", *self.problems.values()]))


def portions(essays: list[Essay], most: int, most_bytes: int) -> Iterator[list[Essay]]:
    """``essays`` in order, as many at a time as one request takes; one that is too big is alone."""
    some: list[Essay] = []
    for essay in essays:
        if some and (len(some) == most or sum(map(size_of, [*some, essay])) > most_bytes):
            yield some
            some = []
        some.append(essay)
    if some:
        yield some


def size_of(essay: Essay) -> int:
    """Bytes."""
    return essay.size


def with_names(told: str, essays: list[Essay]) -> str:
    """A refusal that says ``manifest.3.filename``, with the file's name in place of its number."""
    for number, essay in reversed(list(enumerate(essays))):
        told = told.replace(f"manifest.{number}.", f"{essay.name}, ")
    return told


def multipart(batch_id: str, essays: list[tuple[Essay, bytes]]) -> tuple[bytes, str]:
    """The form for ``essays`` and their contents with its manifest, and its content type."""
    manifest = [
        {"client_ref": essay.ref, "filename": essay.name, "size": essay.size, "sha256": essay.sha256}
        for essay, _ in essays
    ]
    boundary = uuid4().hex
    fields = {"batch_id": batch_id, "manifest": json.dumps(manifest)}
    parts = [part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [
        part(boundary, f'name="files"; filename="{number}"', data) for number, (_, data) in enumerate(essays)
    ]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def part(boundary: str, disposition: str, data: bytes) -> bytes:
    """One part of a form."""
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"


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
    sys.stdout.write(printable(line, sys.stdout) + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """The same, for what went wrong."""
    sys.stderr.write(printable(line, sys.stderr) + "\n")


def printable(text: str, stream: TextIO) -> str:
    """``text`` as the terminal can show it, and without what it would carry out."""
    shown = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
    encoding = stream.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def is_as_before(third: str, fourth: str) -> bool:
    """True for a password before the folder, where it stood in earlier releases."""
    return fourth not in {"", *LANGUAGES} and Path(fourth).is_dir() and not Path(third).is_dir()


def read_password(username: str) -> str:
    """The password, from wherever it is. Raises ``Refused`` and ``OSError``."""
    if "HULEEDU_PASSWORD" in os.environ:
        return os.environ["HULEEDU_PASSWORD"]
    if "HULEEDU_PASSWORD_FILE" in os.environ:
        kept = Path(os.environ["HULEEDU_PASSWORD_FILE"]).read_bytes()
        try:
            return kept.decode().partition("\n")[0].removesuffix("\r")
        except ValueError:
            raise Refused("the password's file is no UTF-8 text") from None
    if not sys.stdin.isatty():
        raise Refused("nobody is here to ask for the password: set HULEEDU_PASSWORD_FILE")
    return getpass(f"Password of {username}: ")


def main(arguments: list[str]) -> int:
    """Upload, wait, report."""
    if len(arguments) == 5 or (len(arguments) == 4 and is_as_before(*arguments[2:])):
        sys.stderr.write(
            "Leave the password out of the command, where others can read it: it is asked for.\n"
        )
        return 2
    if len(arguments) not in {3, 4}:
        sys.stderr.write(__doc__ or "")
        return 2
    address, username, name = arguments[:3]
    language = arguments[3] if len(arguments) == 4 else None
    try:
        return upload_folder(Server(address, username, read_password(username)), Path(name), language)
    except (KeyboardInterrupt, EOFError):
        complain("Stopped. Run the same command again to go on.")
    except (Refused, OSError) as error:
        complain(str(error))
    return 2


def upload_folder(server: Server, folder: Path, language: str | None) -> int:
    """All of it; how the program ends. Raises ``Refused`` and ``OSError``."""
    if language is not None and language not in LANGUAGES:
        raise Refused(f"the language must be sv or en, not {language!r}")
    if not server.address.startswith(("http://", "https://")):
        raise Refused(f"the address must begin with http:// or https://, not {server.address!r}")
    found = look_into(folder)
    for line in [*found.left_out, *found.unreadable]:
        say(f"Not sent: {line}")
    if not found.essays:
        raise Refused(f"{folder} holds no files that can be sent")
    server.sign_in()
    upload = Upload(server, folder, found, language)
    batch_id = upload.carry_out()
    for line in upload.problems.values():
        say(f"Not taken: {line}")
    wait(server, batch_id)
    good = report(server, batch_id)
    upload.place.forget(folder)
    return 0 if good and not upload.problems and not found.unreadable else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
