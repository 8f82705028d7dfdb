"""The time that is left is learned from this installation's own work, and not guessed before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from batches.models import Batch
from essays.models import StepRun
from files.models import FileUpload
from huleedu.models import LoggedEvent, WorkItem
from results.estimating import seconds_left, size_class
from results.shapes import StatusAnswer
from tests.api import checked, client_of
from tests.pipeline import Pipeline
from tests.rows import add_file, make_batch

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
MINUTE = 60_000


def taught(milliseconds: int, **more: Any) -> None:
    """Have each reading of the log taken so long."""
    for row in LoggedEvent.objects.filter(event_type="EssayContentProvisioned"):
        row.envelope["data"] |= {"extraction": {"engine": "", "duration_ms": milliseconds}, **more}
        row.save()


def steps_took(seconds: float) -> None:
    now = timezone.now()
    StepRun.objects.update(started_at=now - timedelta(seconds=seconds), ended_at=now)


def test_it_is_not_guessed_the_first_time(teacher: User) -> None:
    batch = make_batch(teacher)
    assert seconds_left(batch) == 0
    add_file(batch)
    assert seconds_left(batch) is None
    assert (
        checked(StatusAnswer, client_of(teacher).get(f"/v1/batches/{batch.pk}/status"))["seconds_left"]
        is None
    )


def test_it_is_what_such_files_and_steps_have_taken(
    pipeline: Pipeline, teacher: User, make_essay: Essays, settings: Any
) -> None:
    settings.STEP_WORKERS = 2
    pipeline.completed(teacher, make_essay(1), make_essay(2))
    taught(MINUTE)
    steps_took(30)
    batch = pipeline.register(teacher, 4, steps=["spellcheck"])
    for _ in range(4):
        add_file(batch, filename="a.txt", size=1000)
    assert seconds_left(batch) == 4 * 60 / 2, "steps are not ordered before the batch goes on"
    Batch.objects.filter(pk=batch.pk).update(status="processing")
    batch.refresh_from_db()
    assert seconds_left(batch) == 4 * (60 + 30) / 2
    # A format of which there is none is as all others; another size of the same as those of the format.
    FileUpload.objects.filter(batch=batch).update(filename="a.odt", size=9_000_000)
    assert seconds_left(batch) == 4 * (60 + 30) / 2


def test_nothing_ends_before_its_longest_piece(
    pipeline: Pipeline, teacher: User, make_essay: Essays, settings: Any
) -> None:
    settings.STEP_WORKERS = 8
    pipeline.completed(teacher, make_essay(1))
    taught(3 * MINUTE)
    batch = make_batch(teacher)
    add_file(batch, filename="a.txt", size=1000)
    assert seconds_left(batch) == 180


def test_sizes_are_told_apart(pipeline: Pipeline, teacher: User, make_essay: Essays, settings: Any) -> None:
    settings.STEP_WORKERS = 1
    pipeline.completed(teacher, make_essay(1))
    pipeline.completed(teacher, make_essay(2))
    taught(MINUTE)
    row = LoggedEvent.objects.filter(event_type="EssayContentProvisioned").latest("pk")
    row.envelope["data"] |= {"size": 10_000_000, "extraction": {"engine": "", "duration_ms": 10 * MINUTE}}
    row.save()
    batch = make_batch(teacher)
    add_file(batch, filename="a.txt", size=1000)
    assert seconds_left(batch) == 60
    FileUpload.objects.filter(batch=batch).update(size=7_000_000)
    assert seconds_left(batch) == 600
    assert [size_class(size) for size in (0, 50_000, 50_001, 6_000_000)] == [0, 0, 1, 3]


def test_others_that_go_first_are_counted(
    pipeline: Pipeline, teacher: User, colleague: User, make_essay: Essays, settings: Any
) -> None:
    settings.STEP_WORKERS = 1
    pipeline.completed(teacher, make_essay(1))
    taught(MINUTE)
    before = pipeline.register(colleague, 2)
    mine = pipeline.register(teacher, 1)
    for number in (3, 4):
        pipeline.upload(before, make_essay(number))
    pipeline.relay.drain()
    pipeline.upload(mine, make_essay(5))
    pipeline.relay.drain()
    mine.refresh_from_db()
    WorkItem.objects.filter(batch_id=before.pk).update(rank=1)
    assert seconds_left(mine) == 3 * 60
    WorkItem.objects.filter(batch_id=before.pk).update(rank=2**62)
    assert seconds_left(mine) == 60


def test_what_is_done_is_not_left(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1), make_essay(2))
    batch.refresh_from_db()
    assert seconds_left(batch) == 0
    StepRun.objects.update(revision=F("revision") + 1)  # of an earlier text
    Batch.objects.update(status="processing")
    batch.refresh_from_db()
    steps_took(10)
    assert (seconds_left(batch) or 0) > 0


def test_it_takes_as_many_queries_for_many_files(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    pipeline.completed(teacher, make_essay(1))
    numbers = []
    for files in (1, 30):
        batch = make_batch(teacher, 200)
        for _ in range(files):
            add_file(batch)
        with CaptureQueriesContext(connection) as made:
            assert seconds_left(batch) is not None
        numbers.append(len(made))
    assert numbers == [6, 6]
