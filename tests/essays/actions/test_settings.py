"""All settings of a batch in one decision: all of it or nothing."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from batches.actions import registering
from batches.actions.registering import Registration
from essays.actions.settings import Settings, change_settings, check_settings
from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


def test_all_of_it_at_once(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(2, title="Fel", language="en"))
    later = database_now() + timedelta(days=2)
    wanted = Settings(
        title="Rätt",
        class_name="9B",
        assignment="Skriv om hösten.",
        language="sv",
        expected_essay_count=3,
        deadline=later,
        auto_start=False,
    )
    check_settings(batch.pk, wanted)
    changed = change_settings(batch.pk, teacher, wanted)
    changed.refresh_from_db()
    assert (changed.title, changed.class_name, changed.assignment) == ("Rätt", "9B", "Skriv om hösten.")
    assert (changed.language, changed.expected_essay_count, changed.deadline) == ("sv", 3, later)
    assert not changed.settings.auto_start
    assert batch.slots.count() == 3


def test_nothing_of_it_when_a_part_is_refused(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(2, title="Hösten", language="en"))
    for number in range(2):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.run()
    with pytest.raises(Refused, match="COUNT_BELOW_ASSIGNED") as refused:
        change_settings(batch.pk, teacher, Settings(title="Våren", language="sv", expected_essay_count=1))
    assert refused.value.facts == {"smallest": 2}
    batch.refresh_from_db()
    assert (batch.title, batch.language) == ("Hösten", "en")


def test_a_title_alone_checks_nothing_again(pipeline: Pipeline, teacher: User) -> None:
    batch = registering.register(teacher, Registration(1, language="en"))
    pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    before = pipeline.events(batch, "SpellcheckCompleted")
    change_settings(batch.pk, teacher, Settings(title="Våren"))
    pipeline.run()
    assert len(pipeline.events(batch, "SpellcheckCompleted")) == len(before)
