"""The life of an export: asked for, made by a worker, called off, made anew, and what comes in between."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings

from batches.actions import binning
from batches.models import Batch
from files import content
from files.actions import removing
from files.models import StoredContent
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused, StorageFailed
from huleedu.failures.states import InvalidTransition
from huleedu.forgetting import erasing
from huleedu.models import DeadLetter, Usage, WorkItem
from huleedu.support.dead_letters import replay
from results.actions import exporting
from results.actions.exporting import ExportOrder
from results.exports.kind import ExportKind, Making
from results.exports.registry import KINDS
from results.models import Export
from tests.pipeline import Pipeline
from tests.results.exports.material import ask, file_of, made

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """Two essays that are done."""
    return pipeline.completed(teacher, make_essay(1), make_essay(2))


def test_an_export_is_asked_for_made_and_had(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    assert (export.status, export.attempt) == ("queued", 0)
    pipeline.run()
    export.refresh_from_db()
    assert (export.status, export.error_code, export.left_out) == ("ready", "", [])
    assert (export.done, export.total) == (2, 2)
    data = file_of(export, batch.owner)
    assert len(data) == export.size
    assert b"Astrid 1.txt" in data
    assert not WorkItem.objects.exists()


def test_browsers_hear_that_it_is_ready(pipeline: Pipeline, batch: Batch) -> None:
    export = made(pipeline, batch)
    (event,) = pipeline.events(batch, "ExportEnded")
    assert (event["export_id"], event["status"], event["kind_of_export"]) == (str(export.pk), "ready", "csv")


def test_the_same_export_is_not_made_twice_at_a_time(pipeline: Pipeline, batch: Batch) -> None:
    first, new = exporting.ask(batch.pk, ExportOrder("csv", "en"), uuid4())
    again, newer = exporting.ask(batch.pk, ExportOrder("csv", "en"), uuid4())
    assert (first.pk, new, newer) == (again.pk, True, False)
    other, new = exporting.ask(batch.pk, ExportOrder("csv", "sv"), uuid4())
    assert other.pk != first.pk and new
    pipeline.run()
    assert exporting.ask(batch.pk, ExportOrder("csv", "en"), uuid4())[1]


def test_what_it_takes_counts_as_the_owners(pipeline: Pipeline, batch: Batch) -> None:
    before = Usage.objects.get(owner=batch.owner).bytes
    export = made(pipeline, batch)
    assert Usage.objects.get(owner=batch.owner).bytes == before + (export.size or 0)


def test_without_room_it_is_refused_and_what_has_become_too_much_fails(
    pipeline: Pipeline, batch: Batch
) -> None:
    export = ask(batch)
    kept = Usage.objects.get(owner=batch.owner).bytes
    Usage.objects.filter(owner=batch.owner).update(most_bytes=kept + 1)
    pipeline.run()
    export.refresh_from_db()
    assert (export.status, export.error_code) == ("failed", "NO_ROOM_LEFT")
    assert not StoredContent.objects.filter(kind="made").exists()
    Usage.objects.filter(owner=batch.owner).update(most_bytes=kept)
    with pytest.raises(Refused, match="NO_ROOM_LEFT"):
        ask(batch, language="sv")


def test_an_export_of_essays_needs_one(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = pipeline.register(teacher, 1)
    monkeypatch.setitem(KINDS, "csv", with_making(lambda _: None, needs_essays=True))
    with pytest.raises(Refused, match="NO_ESSAYS"):
        ask(empty)


def with_making(make: Callable[[Making], None], *, needs_essays: bool = False) -> ExportKind:
    """The kind ``csv``, made otherwise."""
    return replace(KINDS["csv"], make=make, needs_essays=needs_essays)


def test_one_that_waits_is_called_off(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    assert exporting.cancel(export.pk).status == "cancelled"
    assert not WorkItem.objects.filter(step="export").exists()
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "cancelled"
    assert exporting.cancel(export.pk).status == "cancelled"


def test_one_that_is_being_made_ends_when_it_is_called_off(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []

    def make(making: Making) -> None:
        exporting.cancel(export.pk)
        reached.append("before")
        making.advance()
        reached.append("after")

    monkeypatch.setitem(KINDS, "csv", with_making(make))
    export = ask(batch)
    pipeline.run()
    export.refresh_from_db()
    assert (export.status, reached) == ("cancelled", ["before"])
    assert not WorkItem.objects.exists() and not StoredContent.objects.filter(kind="made").exists()


def test_called_off_when_it_was_made_already(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_: Making) -> None:
        exporting.cancel(export.pk)

    monkeypatch.setitem(KINDS, "csv", with_making(make))
    export = ask(batch)
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "cancelled"
    assert not StoredContent.objects.filter(kind="made").exists()


def test_it_is_made_anew_after_it_was_called_off(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    exporting.cancel(export.pk)
    again, new = exporting.ask_again(export.pk)
    assert (again.pk, again.attempt, new) == (export.pk, 1, True)
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "ready"
    with pytest.raises(InvalidTransition):
        exporting.ask_again(export.pk)


def test_asked_for_anew_while_the_same_is_being_made(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    exporting.cancel(export.pk)
    other = ask(batch)
    again, new = exporting.ask_again(export.pk)
    assert (again.pk, new) == (other.pk, False)


def test_a_store_that_fails_for_a_while_is_waited_for(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise StorageFailed

    export = ask(batch)
    with monkeypatch.context() as patch:
        patch.setattr(content, "store", fail)
        pipeline.run()
    export.refresh_from_db()
    assert export.status == "running"
    WorkItem.objects.update(due_at=Now())
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "ready"


def test_given_up_after_every_try_and_set_going_again(
    pipeline: Pipeline, batch: Batch, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Making) -> None:
        raise ValueError

    export = ask(batch)
    with monkeypatch.context() as patch:
        patch.setitem(KINDS, "csv", with_making(fail))
        while WorkItem.objects.update(due_at=Now()):
            pipeline.run()
    export.refresh_from_db()
    assert (export.status, export.error_code) == ("failed", "EXPORT_FAILED")
    letter = DeadLetter.objects.get()
    replay(letter, teacher)
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "ready"


def test_a_letter_of_one_that_was_made_since_is_outdated(
    pipeline: Pipeline, batch: Batch, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Making) -> None:
        raise ValueError

    export = ask(batch)
    with monkeypatch.context() as patch:
        patch.setitem(KINDS, "csv", with_making(fail))
        while WorkItem.objects.update(due_at=Now()):
            pipeline.run()
    exporting.ask_again(export.pk)
    with pytest.raises(Refused, match="DEAD_LETTER_OUTDATED"):
        replay(DeadLetter.objects.get(), teacher)


def test_too_large_and_too_slow(
    pipeline: Pipeline, batch: Batch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_EXPORT_BYTES = 10
    export = made(pipeline, batch)
    assert (export.status, export.error_code) == ("failed", "EXPORT_TOO_LARGE")
    monkeypatch.setattr("results.exports.making.SECONDS", -1.0)
    export = made(pipeline, batch)
    assert (export.status, export.error_code) == ("failed", "EXPORT_TOO_SLOW")


def test_a_batch_in_the_bin_exports_nothing(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    binning.delete(batch.pk, batch.owner_id)
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "cancelled"
    with pytest.raises(Refused, match="BATCH_DELETED"):
        ask(batch)


def test_what_was_made_while_a_file_was_erased_is_made_anew(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = batch.files.order_by("created_at")[0]
    original = KINDS["csv"].make

    def make(making: Making) -> None:
        original(making)
        monkeypatch.setitem(KINDS, "csv", with_making(original))
        removing.remove(upload)
        erasing.carry_out(Erasure.objects.get())

    monkeypatch.setitem(KINDS, "csv", with_making(make))
    export = made(pipeline, batch)
    assert (export.status, export.attempt) == ("ready", 1)
    data = file_of(export, batch.owner)
    assert b"Astrid 1.txt" not in data and b"Astrid 2.txt" in data


def test_a_worker_that_died_leaves_an_export_that_is_begun_again(pipeline: Pipeline, batch: Batch) -> None:
    export = ask(batch)
    item = WorkItem.objects.get(step="export")
    assert exporting.begin(item) is not None
    assert exporting.begin(item) is not None
    pipeline.run()
    export.refresh_from_db()
    assert export.status == "ready"


def test_work_of_an_export_that_is_gone_is_forgotten(pipeline: Pipeline, batch: Batch) -> None:
    ask(batch)
    Export.objects.all().delete()
    pipeline.run()
    assert not WorkItem.objects.exists() and not DeadLetter.objects.exists()
