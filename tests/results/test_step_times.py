"""How long steps took, and on which essay longest."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batches.models import Batch
from essays.models import StepRun
from results.analytics import analytics
from results.lines import file_lines
from results.step_times import StepTime, step_times
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db


def timed(batch: Batch, number: int, milliseconds: int) -> None:
    """Give the check of this essay a length, and its reading a tenth of it."""
    ended = timezone.now()
    begun = ended - timedelta(milliseconds=milliseconds)
    StepRun.objects.filter(slot__batch=batch, slot__number=number).update(started_at=begun, ended_at=ended)
    batch.files.filter(slot__number=number).update(duration_ms=milliseconds // 10)


def told(batch: Batch) -> list[StepTime]:
    return step_times(batch, file_lines(batch))


def test_the_longest_leads_to_its_essay_and_the_figures_are_the_apis(teacher: User) -> None:
    batch = make_batch(teacher)
    assert told(batch) == []
    for number, milliseconds in ((1, 100), (2, 900), (3, 300)):
        add_essay(batch, number, f"one two {number}", [])
        timed(batch, number, milliseconds)
    reading, spelling = told(batch)
    assert (reading.runs, reading.median_ms, reading.most_ms) == (3, 30, 90)
    assert (spelling.runs, spelling.median_ms, spelling.most_ms) == (3, 300, 900)
    assert [one.slowest.number for one in (reading, spelling) if one.slowest] == [2, 2]
    steps = analytics(batch).steps
    assert (steps["extract"].median_ms, steps["spellcheck"].median_ms) == (30, 300)


def test_a_file_that_is_no_essay_may_be_the_slowest(teacher: User) -> None:
    batch = make_batch(teacher)
    add_file(batch, "excess", duration_ms=500)
    add_file(batch, "removed", duration_ms=900)
    (reading,) = told(batch)
    assert reading.slowest is not None
    assert (reading.most_ms, reading.slowest.number, reading.slowest.status) == (500, None, "excess")
