"""What is kept of exports ends: on its day, when its owner says so, with what it is made of."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db.models import F
from django.test import Client

from batches.actions import binning
from batches.models import Batch
from files import content
from files.actions import removing
from files.actions.handing_over import hand_over_batch
from files.content import storage_name
from files.models import StoredContent
from huleedu.erasure import Erasure
from huleedu.failures.errors import StorageFailed
from huleedu.forgetting import erasing
from huleedu.models import Usage
from huleedu.relay import maintenance
from results.actions import ending_exports, exporting
from results.models import Export
from tests.pipeline import Pipeline
from tests.results.exports.material import ask, file_of, made

Essays = Callable[[int], bytes]


@pytest.fixture
def export(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Export:
    """One that is ready."""
    return made(pipeline, pipeline.completed(teacher, make_essay(1), make_essay(2)))


def is_stored(export: Export) -> bool:
    """Whether its bytes are in the store."""
    return default_storage.exists(storage_name("made", export.content_id))


def let_time_pass(**time: int) -> None:
    """As if all exports were so much older."""
    Export.objects.update(ends_at=F("ends_at") - timedelta(**time))


def status_of(client: Client, export: Export) -> int:
    return client.get(f"/exports/{export.pk}/").status_code


def test_the_collector_erases_what_was_kept_long_enough(export: Export, client: Client) -> None:
    client.force_login(export.batch.owner)
    assert (maintenance.tidy() or pytest.fail()).ended_exports == 0
    assert is_stored(export)
    kept = Usage.objects.get(owner=export.batch.owner).bytes
    let_time_pass(days=7, seconds=1)
    assert status_of(client, export) == 410, "the link ends on time, whenever the collector comes"
    assert (maintenance.tidy() or pytest.fail()).ended_exports == 1
    assert not is_stored(export)
    assert Usage.objects.get(owner=export.batch.owner).bytes == kept - (export.size or 0)
    export.refresh_from_db()
    assert (export.status, export.storage_id, export.size) == ("ended", None, None)
    assert status_of(client, export) == 410
    let_time_pass(days=30)
    maintenance.tidy()
    assert status_of(client, export) == 404


def test_rows_of_exports_that_failed_do_not_pile_up(export: Export) -> None:
    waiting = ask(export.batch, language="sv")
    exporting.cancel(waiting.pk)
    let_time_pass(days=38)
    ending_exports.end_due(10)
    assert not Export.objects.exists()


def test_one_that_is_being_made_is_let_be(export: Export) -> None:
    ask(export.batch, language="sv")
    let_time_pass(days=38)
    ending_exports.end_due(10)
    assert Export.objects.filter(status="queued").exists()


def test_its_owner_ends_it(export: Export) -> None:
    assert ending_exports.remove(export.pk).status == "ended"
    assert not is_stored(export)
    assert ending_exports.remove(export.pk).status == "ended"


def test_killed_in_between_it_is_ended_later(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise StorageFailed

    with monkeypatch.context() as patch:
        patch.setattr(content, "delete", fail)
        with pytest.raises(StorageFailed):
            ending_exports.remove(export.pk)
    assert Export.objects.get().status == "ended" and is_stored(export)
    assert ending_exports.end_due(10) == 1
    assert not is_stored(export) and not StoredContent.objects.filter(kind="made").exists()


def test_asked_for_anew_before_the_bytes_were_gone(
    export: Export, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "delete", lambda _: None)
    ending_exports.close(export.pk)
    exporting.ask_again(export.pk)
    pipeline.run()
    assert StoredContent.objects.filter(kind="made").count() == 1
    assert file_of(export, export.batch.owner)


def test_a_file_that_is_erased_takes_the_exports_that_may_hold_it_along(export: Export) -> None:
    upload = export.batch.files.order_by("created_at")[0]
    removing.remove(upload)
    assert is_stored(export), "it can still be brought back"
    erasing.carry_out(Erasure.objects.get())
    assert not is_stored(export)
    assert Export.objects.get().status == "ended"


def test_a_batch_that_is_erased_takes_its_exports_along(export: Export, content_folder: Path) -> None:
    binning.delete(export.batch_id, export.batch.owner_id)
    erasing.carry_out(Erasure.objects.get())
    assert not Export.objects.exists() and not Batch.objects.exists()
    assert not [path for path in (content_folder / "made").rglob("*") if path.is_file()]


def test_handed_over_with_their_batch(export: Export, teacher: User, colleague: User, client: Client) -> None:
    hand_over_batch(export.batch_id, teacher, colleague)
    assert file_of(export, colleague)
    client.force_login(teacher)
    assert status_of(client, export) == 404


def test_after_a_restore_nothing_is_kept_and_everything_can_be_made_again(
    export: Export, pipeline: Pipeline, client: Client
) -> None:
    waiting = ask(export.batch, "xlsx")
    assert ending_exports.end_all() == 1
    assert not StoredContent.objects.filter(kind=StoredContent.Kind.MADE).exists()
    client.force_login(export.batch.owner)
    assert status_of(client, export) == 410
    exporting.ask_again(export.pk)
    pipeline.run()
    assert file_of(Export.objects.get(pk=export.pk), export.batch.owner)
    assert file_of(Export.objects.get(pk=waiting.pk), export.batch.owner)
