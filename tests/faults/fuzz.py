"""Holds a running copy against its own description: requests like the described ones, and unlike them.

    python -m tests.faults.fuzz --seed 1 --minutes 10

Schemathesis makes the requests and judges the answers by every check it has. They reach real batches, files,
essays and contents in every state, and what the requests themselves make. The same seed makes the same
choices.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import guard
from tests.faults.wire import beside
from tests.installation import Installation, free_port, wait_until

BIN = Path(sys.executable).parent
LEAST_SECONDS = 20  # Schemathesis ends what it has begun
LIKELY = 0.8  # how often a request is about something that exists
SERVER = "tests.faults.patient_server"
CONFIGURATION = """
continue-on-failure = true
hooks = "{hooks}"
headers = {{ Authorization = "Bearer {token}" }}

[dictionaries]
{dictionaries}

[parameters]
{parameters}

[[operations]]
include-operation-id = "cancel_batch"
[operations.parameters]
"path.batch_id" = {{ dictionary = "doomed", probability = {likely} }}

[checks]
enabled = true

[reports.json]
path = "{folder}/report.json"
"""


def text_of(number: int) -> bytes:
    """The text of an essay, about twenty words; no two alike."""
    return f"This is essay {number}. My town is small, but I have lived in it for many years.".encode()


@dataclass
class Stock:
    """What is there to ask for: ids by the name of the parameter that takes them, and who may ask."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: object) -> None:
        """One more, if it is anything."""
        if value is not None:
            self.ids.setdefault(name, []).append(str(value))


def fill(installation: Installation, token: str) -> Stock:
    """Batches in every state with files in every state, and what belongs to them."""
    stock = Stock()
    batches = [register(installation, token, expected) for expected in (1, 2, 3, 3, 30, 30, 1)]
    for place, batch_id in enumerate(batches):
        for number in range(3):
            upload(installation, token, batch_id, f"{number}.txt", text_of(10 * place + number))
        upload(installation, token, batch_id, "again.txt", text_of(10 * place))
        upload(installation, token, batch_id, "empty.txt", b" ")
    waiting = register(installation, token, 5)
    for batch_id in [*batches, waiting]:
        wait_until(lambda one=batch_id: is_read(installation, token, one), 120, "every file is read")
        stock.add("batch_id", batch_id)
        snapshot = installation.get(f"/v1/batches/{batch_id}", token).body
        for file in snapshot["files"]:
            stock.add("file_upload_id", file["file_upload_id"])
            detail = installation.get(f"/v1/files/{file['file_upload_id']}", token).body
            stock.add("content_id", detail["raw_storage_id"])
            stock.add("content_id", detail["text_storage_id"])
        for essay in snapshot["essays"][:3]:
            stock.add("essay_id", essay["essay_id"])
    for _ in range(4):
        stock.add("doomed", register(installation, token, 2))
    for kind in ("csv", "xlsx", "pdf", "originals"):
        made = installation.post(f"/v1/batches/{batches[1]}/exports", {"kind": kind}, token)
        stock.add("export_id", made.body["export_id"])
    installation.post(f"/v1/batches/{batches[-1]}/cancel", {}, token)
    username, password = installation.accounts["teacher"]
    for seen in ('"0"', '"1"', '"2"', "*"):
        stock.add("header.If-Match", seen)
    stock.add("body.username", username)
    stock.add("body.password", password)
    return stock


def register(installation: Installation, token: str, expected: int) -> str:
    """A batch in English; its id."""
    body = {"expected_essay_count": expected, "title": "9B", "language": "en"}
    answer = installation.post("/v1/batches/register", body, token)
    assert answer.status == 201, answer
    return str(answer.body["batch_id"])


def upload(installation: Installation, token: str, batch_id: str, name: str, data: bytes) -> None:
    """One file, if the batch is not done already."""
    answer = installation.upload(batch_id, token, name, data, f"{batch_id}-{name}")
    assert answer.status in {201, 207} or answer.body["code"] == "BATCH_CLOSED", answer


def is_read(installation: Installation, token: str, batch_id: str) -> bool:
    """True when no file of the batch is being read."""
    return bool(installation.get(f"/v1/batches/{batch_id}/status", token).body["counts"]["in_progress"] == 0)


def configuration(stock: Stock, token: str, folder: Path) -> str:
    """Schemathesis's configuration: whose requests, and which ids exist."""
    takers = {name if "." in name else f"path.{name}": name for name in stock.ids if name != "doomed"}
    takers["body.batch_id"] = "batch_id"
    return CONFIGURATION.format(
        token=token,
        folder=folder,
        likely=LIKELY,
        hooks=Path(__file__).with_name("fuzz_hooks.py"),
        dictionaries="\n".join(
            f'"{name}" = {{ values = {json.dumps(values)} }}' for name, values in stock.ids.items()
        ),
        parameters="\n".join(
            f'"{taker}" = {{ dictionary = "{name}", probability = {LIKELY} }}'
            for taker, name in takers.items()
        ),
    )


@dataclass(frozen=True)
class Outcome:
    """How a run ended: whether all was as described, what Schemathesis said, and its report."""

    passed: bool
    text: str
    report: dict[str, Any]


def fuzz(folder: Path, seed: int, seconds: float, *more: str) -> Outcome:
    """Start a copy in ``folder``, fill it, and hold it against its description for about ``seconds``."""
    with running(folder) as (installation, url):
        token = installation.token()
        stock = fill(installation, token)
        (folder / "schemathesis.toml").write_text(configuration(stock, token, folder))
        command = [
            str(BIN / "schemathesis"),
            "--config-file",
            str(folder / "schemathesis.toml"),
            "run",
            f"{url}/v1/schema/",
            "--seed",
            str(seed),
            "--max-time",
            str(round(max(LEAST_SECONDS, seconds))),
            *more,
        ]
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
    path = folder / "report.json"
    return Outcome(
        done.returncode == 0, done.stdout + done.stderr, json.loads(path.read_text()) if path.exists() else {}
    )


@contextmanager
def running(folder: Path) -> Iterator[tuple[Installation, str]]:
    """An installation in ``folder`` and the address of its web server without limits of rate."""
    installation = Installation(folder / "var", free_port())
    own = folder / "beside"
    own.mkdir()
    try:
        installation.start()
        with beside(installation, own, SERVER, {}) as server:
            yield installation, server.url
    finally:
        installation.stop()


def main(arguments: list[str]) -> int:
    """Run once; 1 when an answer was not as described."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--keep", type=Path, help="folder to keep state, logs and report in")
    options, more = parser.parse_known_args(arguments)
    sys.stdout.write(f"fuzz: SEED={options.seed} MINUTES={options.minutes:g}\n")
    sys.stdout.flush()
    with guard.folder("huleedu-fuzz-") as temporary:
        folder = options.keep or temporary
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        outcome = fuzz(folder, options.seed, options.minutes * 60, *more)
    sys.stdout.write(outcome.text)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
