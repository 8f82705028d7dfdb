"""A batch that is erased between being looked up and being locked: 410 in words, and nothing is left."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch, BatchQuerySet
from huleedu.answers.problems import TITLES
from tests.api import client_of, problem, some_file, upload
from tests.pipeline import Pipeline

DECISIONS = {
    "start": {},
    "extend": {"seconds": 3600},
    "expect": {"expected_essay_count": 3},
    "language": {"language": "sv"},
    "cancel": {"reason": "by mistake"},
    "reprocess": {},
    "keep": {"until": "2026-12-24"},
    "archive": {},
    "unarchive": {},
}


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Callable[[int], bytes]) -> Batch:
    """A batch with an essay that is ready."""
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "1.txt")
    pipeline.run()
    return batch


@pytest.fixture
def erased_meanwhile(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Whoever locks this batch, or another one, comes too late."""
    locked = BatchQuerySet.locked

    def too_late(batches: BatchQuerySet, _batch_id: UUID) -> Batch:
        return locked(batches, uuid4())

    monkeypatch.setattr(BatchQuerySet, "locked", too_late)
    return batch


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision(teacher: User, erased_meanwhile: Batch, decision: str) -> None:
    address = f"/v1/batches/{erased_meanwhile.pk}/{decision}"
    problem(client_of(teacher).post(address, DECISIONS[decision], format="json"), 410, "ERASED")


def test_a_decision_on_a_page(client: Client, teacher: User, erased_meanwhile: Batch) -> None:
    client.force_login(teacher)
    page = client.post(f"/batches/{erased_meanwhile.pk}/actions/cancel/", follow=True)
    assert str(TITLES["ERASED"]) in page.text


def test_an_upload_keeps_no_bytes(
    teacher: User, content_folder: Path, make_essay: Callable[[int], bytes], erased_meanwhile: Batch
) -> None:
    before = set(content_folder.rglob("*"))
    answer = upload(client_of(teacher), str(erased_meanwhile.pk), some_file(make_essay(2)))
    problem(answer, 410, "ERASED")
    assert [path for path in content_folder.rglob("*") if path.is_file() and path not in before] == []
