"""What a class hands in: folders of real files, and batches filled over HTTP."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload

from tests.files.documents import pdf, word
from tests.installation import Installation, wait_until

HOSTILE = "<script>alert(1)<script> <img src=x onerror=alert(2)> {{7*7}} <b hx-get=x hx-trigger=load>"
MARKS = ("becuase", "freind", "recieve")


def essay(number: int) -> str:
    """Essay ``number``: distinct, and with three spelling mistakes."""
    return (
        f"This is essay number {number}. Every morning the same thing happens at my school. We walk in, and "
        "before the first lesson all the phones go into a box on the desk.\n\n"
        "Some students think that this is unfair, but I have changed my mind becuase a freind of mine "
        "could finally listen. We do not recieve messages all the time, and that is good."
    )


def text_file(name: str, text: str) -> FilePayload:
    """A plain text as the browser's file chooser hands it over."""
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def make_folder(folder: Path) -> list[Path]:
    """Eight files as they come from a class: five good ones, an empty one, a foreign one and a copy."""
    contents = {
        "Åsa Öberg (utkast 2).docx": word(*essay(1).split("\n\n")),
        "Östen [slutlig].pdf": pdf([textwrap.wrap(essay(2), 70)]),
        "Märta.txt": essay(3).encode(),
        "Björn Ek.docx": word(essay(4)),
        "Zoë.txt": essay(5).encode(),
        "Tom fil.txt": b"",
        "Egil.pages": b"PK\x03\x04 not a document anyone can read",
        "Märta – kopia.txt": essay(3).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


@dataclass(frozen=True)
class Showcase:
    """Ids of batches: without files, open with problems, and completed with one file too many."""

    empty: str
    open: str
    done: str
    failed_file: str
    marked_at: int = 0

    def places(self) -> dict[str, str]:
        """Every page a teacher can open: the name of its address, what is special, and its path."""
        return {
            "overview": "/",
            "overview, no match": "/?q=nothing+matches",
            "overview, what needs her": "/?show=needs_me",
            "overview, archived": "/?show=archived",
            "batch-new": "/batches/new/",
            "batch, empty": f"/batches/{self.empty}/",
            "essay-list, empty": f"/batches/{self.empty}/essays/",
            "results, empty": f"/batches/{self.empty}/results/",
            "batch, open": f"/batches/{self.open}/",
            "batch": f"/batches/{self.done}/",
            "essay-list": f"/batches/{self.done}/essays/",
            "essay": f"/batches/{self.done}/essays/1/",
            "mark-in-essays": f"/batches/{self.done}/essays/1/marks/{self.marked_at}/",
            "marks-of-kind": f"/batches/{self.done}/marks/order/",
            "results": f"/batches/{self.done}/results/",
            "batch-exports, empty": f"/batches/{self.empty}/exports/",
            "batch-exports": f"/batches/{self.done}/exports/",
            "batch-keeping": f"/batches/{self.done}/keeping/",
            "batch-settings": f"/batches/{self.open}/settings/",
            "batch-removed": f"/batches/{self.done}/removed/",
            "bin": "/bin/",
            "file-trace": f"/files/{self.failed_file}/trace/",
            "file-original": f"/files/{self.failed_file}/original/",
            "account": "/account/",
            "own-words": "/account/words/",
            "password": "/account/password/",
            "mfa_index": "/account/factors/",
            "mfa_activate_totp": "/account/factors/app/",
            "mfa_add_webauthn": "/account/factors/passkeys/add/",
            "account_reauthenticate": "/account/again/",
            "account-delete": "/account/delete/",
            "help": "/help/",
        }

    def pages(self) -> list[str]:
        """Their paths."""
        return list(self.places().values())


TEACHERS = tuple(Showcase("", "", "", "").places())


def register(installation: Installation, token: str, title: str, count: int) -> str:
    """A new batch's id."""
    body = {"expected_essay_count": count, "title": title, "class_name": "9B", "language": "en"}
    return str(installation.post("/v1/batches/register", body, token).body["batch_id"])


def read_batch(installation: Installation, batch_id: str, token: str) -> dict[str, Any]:
    """The batch as the API shows it."""
    body = installation.get(f"/v1/batches/{batch_id}", token).body
    assert isinstance(body, dict)
    return body


def fill(installation: Installation, token: str, batch_id: str, files: dict[str, bytes]) -> dict[str, Any]:
    """Send ``files`` and wait until all are read; the batch as the API then shows it."""
    before = read_batch(installation, batch_id, token)["counts"]["received"]
    for name, content in files.items():
        installation.upload_until_answered(batch_id, token, name, content)

    def settled() -> bool:
        counts = read_batch(installation, batch_id, token)["counts"]
        return bool(counts["received"] == before + len(files) and not counts["in_progress"])

    wait_until(settled, 30, "every file is read")
    return read_batch(installation, batch_id, token)


def make_showcase(installation: Installation, token: str) -> Showcase:
    """Batches in several states."""
    empty = register(installation, token, "Nothing yet", 28)
    opened = register(installation, token, "School phones: for or against", 8)
    problems = {"Empty.txt": b"", "Egil.pages": b"PK\x03\x04 junk", "Copy.txt": essay(11).encode()}
    good = {f"Essay {number}.txt": essay(number).encode() for number in (11, 12, 13)}
    snapshot = fill(installation, token, opened, good | problems)
    failed = next(file for file in snapshot["files"] if file["filename"] == "Empty.txt")
    away = register(installation, token, "Nothing yet", 28)
    installation.post(f"/v1/batches/{away}/archive", {}, token)
    done = register(installation, token, HOSTILE, 2)
    hostile = f"{HOSTILE}\n\n{essay(21)}".encode()
    fill(installation, token, done, {f"{HOSTILE}.txt": hostile})  # alone, so that it is the first essay
    fill(installation, token, done, {"Two.docx": word(essay(22)), "Three.txt": essay(23).encode()})
    finished = {"completed", "completed_with_failures"}
    wait_until(
        lambda: read_batch(installation, done, token)["status"] in finished, 30, "the batch is finished"
    )
    for kind in ("pdf", "moodle"):  # one is made, with what it could not do; one fails
        installation.post(f"/v1/batches/{done}/exports", {"kind": kind}, token)
    first = next(place for place in read_batch(installation, done, token)["essays"] if place["number"] == 1)
    checked = installation.get(f"/v1/essays/{first['essay_id']}", token).body["spellcheck"]
    return Showcase(empty, opened, done, failed["file_upload_id"], checked["findings"][-1]["start"])
