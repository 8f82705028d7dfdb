"""A batch is stopped, and goes on as if it had not been when its teacher wants that."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batches.actions import cancelling
from batches.models import Batch
from files.actions import removing
from huleedu.models import Timer
from results.shapes import Snapshot
from tests.api import checked, client_of
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


def status(batch: Batch) -> str:
    batch.refresh_from_db()
    return batch.status


def test_a_batch_that_collected_collects_again_until_its_deadline(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "1.txt")
    pipeline.run()
    client = client_of(teacher)
    for name in ("cancel", "cancel", "resume", "resume"):
        checked(Snapshot, client.post(f"/v1/batches/{batch.pk}/{name}", {}, format="json"))
    assert (status(batch), batch.version, batch.completed_at) == ("awaiting_content", 2, None)
    assert Timer.objects.get(batch_id=batch.pk).due_at == batch.deadline
    pipeline.upload(batch, make_essay(2), "2.txt")
    pipeline.run()
    assert status(batch) == "completed"
    told = [kind for kind in pipeline.event_types(batch) if kind in ("BatchCancelled", "BatchResumed")]
    assert told == ["BatchCancelled", "BatchResumed"]


def test_one_whose_deadline_passed_meanwhile_says_so(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "1.txt")
    pipeline.run()
    cancelling.cancel(batch.pk, teacher)
    Batch.objects.update(deadline=timezone.now() - timedelta(days=1))
    cancelling.resume(batch.pk, teacher)
    assert pipeline.fire_timers() == 1
    pipeline.run()
    batch.refresh_from_db()
    assert batch.timed_out_at is not None


@pytest.mark.parametrize("done", [0, 1, 2])
def test_what_was_being_checked_is_checked_to_its_end(
    pipeline: Pipeline, teacher: User, make_essay: Essays, done: int
) -> None:
    batch = pipeline.register(teacher, 4, steps=["spellcheck", "analysis"])
    for number in range(4):
        pipeline.upload(batch, make_essay(number), f"{number}.txt")
    while status(batch) != "processing":
        pipeline.relay.drain()
        assert pipeline.work_once()
    for _ in range(done):
        pipeline.work_once()
    cancelling.cancel(batch.pk, teacher)
    pipeline.run()
    assert status(batch) == "cancelled"
    cancelling.resume(batch.pk, teacher)
    pipeline.run()
    assert status(batch) == "completed"
    assert pipeline.event_types(batch).count("BatchResultsReady") == 1


def test_what_could_not_be_placed_meanwhile_is_placed(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2, auto_start=False)
    for number in (1, 2, 3):
        pipeline.upload(batch, make_essay(number), f"{number}.txt")
    pipeline.run()
    assert status(batch) == "ready"
    cancelling.cancel(batch.pk, teacher)
    removing.remove(batch.files.filter(status="assigned").order_by("created_at")[0])
    pipeline.run()
    assert batch.files.filter(status="excess").count() == 1
    cancelling.resume(batch.pk, teacher)
    pipeline.run()
    assert status(batch) == "ready"
    assert batch.files.filter(status="assigned").count() == 2
