"""How many functions of ours are called for one file, from the request that brings it to its result.

All parts run in this process, one after the other. The steps that run confined in another are run once more
here; what starts and confines them there is not counted, nor are the loops of servers and workers.
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from essays.steps.spellcheck import spellcheck
from files.steps.extract import extract
from files.steps.validate import TextLimits, validate
from huleedu.accounts.authentication import make_token
from tests.benchmarks.measure import Figure, note
from tests.benchmarks.sizes import APPS
from tests.conftest import essay_bytes
from tests.installation import ROOT
from tests.pipeline import Pipeline

FUNCTIONS = 300
OURS = tuple(f"{ROOT}/{app}/" for app in APPS)


class Calls:
    """Functions of ours that have been called while ``counting``."""

    def __init__(self) -> None:
        self.counting = False
        self.codes: Counter[CodeType] = Counter()

    def hook(self, frame: FrameType, event: str, _argument: object) -> None:
        """What Python calls at each call and return, in every thread started from now on."""
        if self.counting and event == "call":
            self.codes[frame.f_code] += 1

    def named(self) -> "Counter[str]":
        """Calls of each function with a name: no lambdas, comprehensions, generator expressions."""
        found: Counter[str] = Counter()
        for code, count in self.codes.items():
            if code.co_filename.startswith(OURS) and not code.co_name.startswith("<"):
                found[f"{Path(code.co_filename).relative_to(ROOT)}: {code.co_qualname}"] += count
        return found


@contextmanager
def watched() -> Iterator[Calls]:
    """Watch this thread and those that are started in the block."""
    calls = Calls()
    threading.setprofile(calls.hook)
    sys.setprofile(calls.hook)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def main() -> None:
    """One file to warm everything, then one that counts."""
    teacher = User.objects.create_user("bench-teacher")
    token = make_token(teacher, "b").secret
    client, pipeline = Client(headers={"Host": "localhost", "Authorization": f"Bearer {token}"}), Pipeline()
    with watched() as calls:
        for number in (1, 2):
            batch = pipeline.register(teacher, 1)
            calls.counting = number == 2
            send(client, str(batch.pk), number)
            pipeline.run()
            steps(number)
    batch.refresh_from_db()
    assert batch.status == "completed", batch.status
    found = calls.named()
    rooms = Counter(name.partition(":")[0] for name in found)
    note("functions by module: " + ", ".join(f"{room} {count}" for room, count in rooms.most_common(20)))
    met = len(found) <= FUNCTIONS
    Figure(
        "functions called for one file", str(len(found)), f"{found.total()} calls", "", f"≤ {FUNCTIONS}", met
    ).tell()


def steps(number: int) -> None:
    """Read, validate and check as a confined process does."""
    text = extract(essay_bytes(number), f"essay {number}.txt").text
    validate(text, TextLimits())
    spellcheck(text, "en")


def send(client: Client, batch_id: str, number: int) -> None:
    """One file as the page sends it."""
    data, name = essay_bytes(number), f"essay {number}.txt"
    manifest = json.dumps([{"client_ref": str(number), "filename": name, "size": len(data)}])
    form = {"batch_id": batch_id, "manifest": manifest, "files": SimpleUploadedFile(name, data)}
    answer = client.post("/v1/files/batch", form, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.content
