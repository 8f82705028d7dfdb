"""The reading task: a short first try for every file, its full time for the rest, alone among the slow."""

import pytest
from django.contrib.auth.models import User

from files import tasks
from files.models import FileUpload
from files.steps.confinement import Confinement
from files.tasks import EXTRACTION
from huleedu.models import DeadLetter, LoggedEvent, WorkItem
from huleedu.work import queue as work
from tests.files.documents import ESSAY, spinning_pdf, word
from tests.pipeline import Pipeline
from tests.seats import all_taken


def test_what_spins_is_set_aside_and_then_ends_at_its_limit(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pipeline.register(teacher, 2)
    spinning = pipeline.upload(batch, spinning_pdf(), "spins.pdf")
    pipeline.relay.drain()
    assert work.run_next(EXTRACTION)
    item = WorkItem.objects.get()
    assert (item.subject_id, item.state, item.slow) == (spinning.pk, "queued", True)

    good = pipeline.upload(batch, word(ESSAY), "good.docx")
    pipeline.relay.drain()
    with all_taken("slow", 1):
        assert work.run_next(EXTRACTION), "another file is read meanwhile"
        assert not work.run_next(EXTRACTION), "somebody reads a slow one already"
    pipeline.relay.drain()
    good.refresh_from_db()
    assert good.status == FileUpload.Status.ASSIGNED

    monkeypatch.setattr(tasks, "confinement", lambda item: Confinement(processor_seconds=1))
    assert work.run_next(EXTRACTION)
    pipeline.run()
    spinning.refresh_from_db()
    assert spinning.status == FileUpload.Status.FAILED
    assert spinning.error is not None
    assert spinning.error["error_code"] == "TIMEOUT"
    assert LoggedEvent.objects.filter(event_type="FileProcessingStarted").count() == 2
    assert not DeadLetter.objects.exists()


def test_only_a_first_try_is_short() -> None:
    assert tasks.confinement(WorkItem(slow=False)) == Confinement(first_seconds=tasks.FIRST_SECONDS)
    assert tasks.confinement(WorkItem(slow=True)) == Confinement(niceness=tasks.SLOW_NICENESS)
