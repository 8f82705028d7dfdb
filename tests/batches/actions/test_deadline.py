"""Another deadline: later, earlier, and none that cannot be."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from batches.actions import cancelling, deadline, registering
from batches.actions.deadline import READINESS_TIMER
from batches.actions.registering import Registration
from batches.configuration import MAX_READINESS_SECONDS
from huleedu.failures.errors import Refused
from huleedu.models import Timer
from huleedu.postgres.clock import database_now
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("later", [timedelta(minutes=5), timedelta(days=30)])
def test_the_timer_rings_at_the_new_time(pipeline: Pipeline, teacher: User, later: timedelta) -> None:
    batch = registering.register(teacher, Registration(2))
    deadline.pass_deadline(batch.pk)
    wanted = database_now() + later
    moved = deadline.move(batch.pk, teacher, wanted)
    assert (moved.deadline, moved.timed_out_at, moved.version) == (wanted, None, 1)
    assert Timer.objects.get(kind=READINESS_TIMER, batch_id=batch.pk).due_at == wanted
    assert deadline.move(batch.pk, teacher, wanted).version == 1
    pipeline.run()
    (event,) = pipeline.events(batch, "BatchDeadlineExtended")
    assert event["new"] == wanted.isoformat()


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (timedelta(0), "DEADLINE_PASSED"),
        (timedelta(hours=-1), "DEADLINE_PASSED"),
        (timedelta(seconds=MAX_READINESS_SECONDS + 60), "DEADLINE_TOO_FAR"),
    ],
)
def test_no_time_that_cannot_be(pipeline: Pipeline, teacher: User, later: timedelta, code: str) -> None:
    batch = registering.register(teacher, Registration(2))
    with pytest.raises(Refused, match=code):
        deadline.move(batch.pk, teacher, database_now() + later)
    batch.refresh_from_db()
    assert batch.version == 0


def test_a_batch_that_ended_waits_for_nothing(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(2))
    cancelling.cancel(batch.pk, teacher)
    with pytest.raises(Refused, match="BATCH_CLOSED"):
        deadline.move(batch.pk, teacher, database_now() + timedelta(hours=1))
    assert deadline.move(batch.pk, teacher, batch.deadline).version == 1  # it says so already
