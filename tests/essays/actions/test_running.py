"""How a step on an essay ends: what is kept and told when every try failed."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from batches.models import Batch
from essays.models import StepRun
from files.models import FileUpload
from huleedu.models import DeadLetter, WorkItem
from tests.api import client_of
from tests.pipeline import Pipeline


def test_a_step_that_is_given_up_says_so_everywhere_and_ends_its_batch(
    pipeline: Pipeline, teacher: User, make_essay: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("essays.actions.running.begin_step", lambda item: 1 / 0)
    batch = pipeline.register(teacher, 1, max_retries=1)
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    while WorkItem.objects.update(due_at=Now()):
        pipeline.run()
    assert DeadLetter.objects.get().event_type == "spellcheck"
    run = StepRun.objects.get()
    told = run.error or {}
    assert (run.status, told["error_code"], told["details"]) == (
        "failed",
        "SPELLCHECK_FAILED",
        {"attempts": 2},
    )
    slot = FileUpload.objects.select_related("slot").get().slot
    assert slot is not None and slot.status == "failed"
    assert Batch.objects.get().status == "failed"
    client = client_of(teacher)
    essay = client.get(f"/v1/essays/{slot.pk}").json()
    assert essay["spellcheck"]["error"]["error_code"] == "SPELLCHECK_FAILED"
    (row,) = client.get(f"/v1/batches/{batch.pk}/results").json()["essays"]
    assert row["spellcheck"]["error"]["error_code"] == "SPELLCHECK_FAILED"
    completed = pipeline.events(batch, "SpellcheckCompleted")
    assert [event["status"] for event in completed] == ["failed"]
