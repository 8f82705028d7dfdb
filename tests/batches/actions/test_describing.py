"""Title, class, assignment and automatic start can be said at any time."""

import pytest
from django.contrib.auth.models import User

from batches.actions import cancelling, registering
from batches.actions.describing import describe
from batches.actions.registering import Registration
from batches.configuration import Configuration
from batches.models import Batch
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


def test_what_changes_is_told_by_name_and_nothing_of_what_she_wrote(
    pipeline: Pipeline, teacher: User
) -> None:
    batch = registering.register(teacher, Registration(2, title="Utan namn"))
    changed = describe(batch.pk, teacher, {"title": "Annas bok", "class_name": "9B", "auto_start": True})
    assert (changed.title, changed.class_name, changed.version) == ("Annas bok", "9B", 1)
    pipeline.run()
    (event,) = pipeline.events(batch, "BatchSettingsChanged")
    assert event["settings"] == ["title", "class_name"]
    assert "Annas bok" not in str(event)


def test_what_it_says_already_changes_nothing(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(2, title="Hösten"))
    assert describe(batch.pk, teacher, {"title": "Hösten", "assignment": ""}).version == 0
    pipeline.run()
    assert not pipeline.events(batch, "BatchSettingsChanged")


def test_a_cancelled_batch_can_still_be_named(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(2))
    cancelling.cancel(batch.pk, teacher)
    assert describe(batch.pk, teacher, {"title": "Fel klass"}).title == "Fel klass"


def test_a_batch_that_waits_for_its_start_begins_when_it_is_to_start_by_itself(
    pipeline: Pipeline, teacher: User
) -> None:
    waiting = Configuration.model_validate({"auto_start": False})
    batch = registering.register(teacher, Registration(1, language="en", configuration=waiting))
    pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.READY
    describe(batch.pk, teacher, {"auto_start": True})
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
