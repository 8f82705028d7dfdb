"""What one more file of a batch says to the database: counted, not timed."""

import json
import sys
from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from huleedu.work import queue as work
from huleedu.work.handlers import HANDLERS
from tests.api import client_of, register
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline
from tests.statements import Count, counted

FEW, MANY = 4, 24


def send(client: APIClient, batch_id: str, numbers: Sequence[int]) -> None:
    """A few small files in one request, as the page sends them while many wait."""
    files = {number: (f"essay {number}.txt", essay_bytes(number)) for number in numbers}
    manifest = [
        {"client_ref": str(number), "filename": name, "size": len(data), "idempotency_key": str(uuid4())}
        for number, (name, data) in files.items()
    ]
    uploads = [SimpleUploadedFile(name, data) for name, data in files.values()]
    form = {"batch_id": batch_id, "manifest": json.dumps(manifest), "files": uploads}
    headers = {"Idempotency-Key": str(uuid4())}
    assert client.post("/v1/files/batch", form, format="multipart", headers=headers).status_code == 201


def costs_of(pipeline: Pipeline, client: APIClient, files: int, together: int) -> dict[str, Count]:
    """What a batch of so many files costs, from its first upload to its results."""
    batch_id = register(client, files)["batch_id"]
    costs = {"upload": Count(), "relay": Count(), **{name: Count() for name in HANDLERS.names()}}
    for first in range(0, files, together):
        with counted(costs["upload"]):
            send(client, batch_id, range(100 * files + first, 100 * files + first + together))
    going = True
    while going:
        with counted(costs["relay"]):
            going = bool(pipeline.relay.drain())
        for name in HANDLERS.names():
            before = Count(costs[name].statements, costs[name].transactions)
            with counted(costs[name]):
                done = work.run_next(HANDLERS[name]) is not None
            going = going or done
            if not done:  # a look that found nothing is not the file's
                costs[name] = before
    assert client.get(f"/v1/batches/{batch_id}/status").json()["status"] == "completed"
    return costs


@pytest.mark.parametrize(
    ("together", "most_statements", "most_transactions"), [(1, 46, 4), (4, 41, 4)], ids=["alone", "by-four"]
)
def test_what_one_more_file_says_to_the_database(
    together: int,
    most_statements: int,
    most_transactions: int,
    pipeline: Pipeline,
    teacher: User,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = client_of(teacher)
    few, many = (costs_of(pipeline, client, files, together) for files in (FEW, MANY))
    total = Count()
    with capsys.disabled():
        for stage, count in many.items():
            statements = (count.statements - few[stage].statements) / (MANY - FEW)
            transactions = (count.transactions - few[stage].transactions) / (MANY - FEW)
            sys.stdout.write(f"\n{stage:12}{statements:7.1f} statements{transactions:6.1f} transactions")
            total.statements += statements
            total.transactions += transactions
        sys.stdout.write(
            f"\n{'a file':12}{total.statements:7.1f} statements{total.transactions:6.1f} transactions\n"
        )
    # Whole ones: what happens once a minute is none of a file's.
    assert round(total.statements) <= most_statements
    assert round(total.transactions) <= most_transactions
