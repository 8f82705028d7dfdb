"""Forgetting beside everything else: what is taken back stays, what comes meanwhile goes along."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from batches.actions import binning
from batches.models import Batch
from files import content, sandbox, verification
from files.actions import removing, replacing
from files.actions.handing_over import hand_over
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.accounts import closing
from huleedu.erasure import Erasure
from huleedu.failures.errors import ContentDamaged
from huleedu.forgetting import erasing, repeating
from huleedu.models import DeadLetter, LoggedEvent, Timer, WorkItem
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """A completed batch of two."""
    return pipeline.completed(teacher, make_essay(1), make_essay(2))


def files_in(folder: Path) -> set[str]:
    """Every stored file, notes of erasures included."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def said(command: str) -> str:
    """What a command tells, and what it complains of."""
    out = StringIO()
    call_command(command, stdout=out, stderr=out)
    return out.getvalue()


def remove_and_bring_back(batch: Batch) -> Erasure:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    erasure = Erasure.objects.get()
    removing.restore(upload, batch.owner)
    return erasure


def delete_and_restore(batch: Batch) -> Erasure:
    binning.delete(batch.pk, batch.owner.pk)
    erasure = Erasure.objects.get()
    binning.restore(batch.pk, batch.owner)
    return erasure


def close_and_keep(batch: Batch) -> Erasure:
    erasure = closing.delete_account(batch.owner)
    closing.keep_account(batch.owner)
    return erasure


@pytest.mark.parametrize(
    "taken_back",
    [remove_and_bring_back, delete_and_restore, close_and_keep],
    ids=["file", "batch", "account"],
)
def test_what_is_taken_back_in_the_last_moment_stays(
    pipeline: Pipeline, batch: Batch, content_folder: Path, taken_back: Callable[[Batch], Erasure]
) -> None:
    """The worker has read the ledger, and only then the undo commits: it had begun before the deadline."""
    erasure = taken_back(batch)
    pipeline.run()
    before = files_in(content_folder)
    assert erasing.carry_out(erasure)
    pipeline.run()
    assert files_in(content_folder) == before, "nor may a note tell a later restored backup to erase it"
    names = set(FileUpload.objects.filter(status="assigned").values_list("filename", flat=True))
    assert names == {"Astrid 1.txt", "Astrid 2.txt"}
    assert User.objects.filter(pk=batch.owner.pk, is_active=True).exists()
    assert not Erasure.objects.exists()


def test_a_text_that_comes_while_a_batch_is_erased_goes_along(
    pipeline: Pipeline, batch: Batch, content_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binning.delete(batch.pk, batch.owner.pk)
    end_batch = erasing.end_batch

    def after_a_late_text(erasure: Erasure) -> Any:
        monkeypatch.setattr(erasing, "end_batch", end_batch)
        late = content.store(StoredContent.Kind.TEXT, batch.pk, ContentFile(b"late"))
        content.record(late, batch.owner.pk, batch.pk)
        return end_batch(erasure)

    monkeypatch.setattr(erasing, "end_batch", after_a_late_text)
    erasing.carry_out(Erasure.objects.get())
    assert {path.split("/")[0] for path in files_in(content_folder)} == {erasing.NOTES}
    assert not Batch.objects.exists() and not Erasure.objects.open().exists()


@pytest.mark.parametrize("last_try", [False, True], ids=["first try", "last try"])
def test_a_batch_that_is_erased_while_a_file_is_read_leaves_nothing(
    pipeline: Pipeline,
    batch: Batch,
    make_essay: Essays,
    content_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    last_try: bool,
) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    removing.restore(upload, batch.owner)
    pipeline.relay.drain()
    if last_try:
        WorkItem.objects.update(max_retries=0)
    read = sandbox.run

    def erased_meanwhile(*arguments: Any) -> sandbox.SandboxResult:
        result = read(*arguments)
        binning.delete(batch.pk, batch.owner.pk)
        erasing.carry_out(Erasure.objects.get(kind="batch"))
        return result

    monkeypatch.setattr(sandbox, "run", erased_meanwhile)
    pipeline.run(50)
    assert {path.split("/")[0] for path in files_in(content_folder)} == {erasing.NOTES}
    assert not WorkItem.objects.exists() and not DeadLetter.objects.exists()
    assert Erasure.objects.get().ended_at


@pytest.mark.parametrize("erased", ["batch", "file"])
def test_what_is_being_erased_is_not_called_damaged(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch, erased: str
) -> None:
    """A worker has looked up the row, and only then the bytes go: nothing is to be restored from a backup."""
    upload = removing.remove(batch.files.order_by("created_at")[0])
    removing.restore(upload, batch.owner)
    pipeline.relay.drain()
    (removing.remove(upload) if erased == "file" else binning.delete(batch.pk, batch.owner.pk))
    (erasure,) = Erasure.objects.filter(kind=erased)
    row, other = StoredContent.objects.filter(kind="raw").order_by("created_at")

    def killed(*_: object) -> None:
        raise RuntimeError("killed between bytes and rows")

    def killed_after_bytes(content_ids: list[UUID]) -> None:
        content.delete(content_ids)
        killed()

    monkeypatch.setattr(erasing, "end_file", killed)
    monkeypatch.setattr(erasing, "erase_contents", killed_after_bytes)
    with pytest.raises(RuntimeError, match="killed"):
        erasing.carry_out(erasure)
    with captured_logs() as text, pytest.raises(ContentDamaged):
        content.read_row(row)
    assert lines_of(text, "content.damaged") == []
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()
    if erased == "file":
        default_storage.delete(content.storage_name(other.kind, other.pk))
        with captured_logs() as text, pytest.raises(ContentDamaged):
            content.read_row(other)
        assert len(lines_of(text, "content.damaged")) == 1, "what stays is missed"


def test_verifying_passes_over_what_is_erased_meanwhile(batch: Batch) -> None:
    """It reads for minutes what it has looked up at its beginning."""
    rows = list(StoredContent.objects.order_by("created_at"))
    removing.remove(batch.files.order_by("created_at")[0])
    erasing.carry_out(Erasure.objects.get())
    assert StoredContent.objects.count() == len(rows) - 2
    with captured_logs() as text:
        assert [verification.damage_of(row) for row in rows] == [None] * len(rows)
    assert lines_of(text, "content.damaged") == []


def test_work_that_outlived_its_batch_ends(pipeline: Pipeline, batch: Batch) -> None:
    """Queued by an event that was being relayed while the batch was erased."""
    removing.restore(removing.remove(batch.files.order_by("created_at")[0]), batch.owner)
    pipeline.relay.drain()
    kept = list(WorkItem.objects.filter(step="extract"))
    binning.delete(batch.pk, batch.owner.pk)
    erasing.carry_out(Erasure.objects.get(kind="batch"))
    WorkItem.objects.bulk_create(kept)
    pipeline.run(50)
    assert not WorkItem.objects.exists() and not DeadLetter.objects.exists()


def test_pressed_twice_it_is_brought_back_once(pipeline: Pipeline, batch: Batch) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    seen = [FileUpload.objects.get(pk=upload.pk) for _ in range(3)]
    for each in seen:
        removing.restore(each, batch.owner)
    pipeline.run()
    upload.refresh_from_db()
    assert (upload.status, upload.revision) == ("assigned", 1)
    assert pipeline.event_types(batch).count("FileReprocessRequested") == 1


def test_twice_carried_out_it_ends_once(batch: Batch) -> None:
    removing.remove(batch.files.order_by("created_at")[0])
    erasure = Erasure.objects.get()
    erasing.carry_out(erasure)
    ended = Erasure.objects.get().ended_at
    erasing.carry_out(erasure)
    assert Erasure.objects.get().ended_at == ended


def test_what_administrators_did_to_an_erased_account_names_it_no_more(batch: Batch, colleague: User) -> None:
    owner = batch.owner
    of_users = ContentType.objects.get_for_model(User)
    for user in (owner, colleague):
        LogEntry.objects.create(
            user=colleague,
            content_type=of_users,
            object_id=str(user.pk),
            object_repr=str(user),
            action_flag=CHANGE,
        )
    erasing.carry_out(closing.delete_account(owner, at_once=True))
    assert list(LogEntry.objects.values_list("object_repr", flat=True)) == [str(colleague)]
    assert not User.objects.filter(pk=owner.pk).exists()
    assert LoggedEvent.objects.exists()


def test_what_a_colleague_has_got_stays_when_the_account_is_erased(
    pipeline: Pipeline, batch: Batch, colleague: User, make_essay: Essays, content_folder: Path
) -> None:
    """Also a file's undo time that ran while the batch changed hands ends as it should."""
    owner, (removed, replaced) = batch.owner, batch.files.order_by("created_at")
    removing.remove(removed)
    replacing.replace(replaced, owner, Incoming(ContentFile(make_essay(7)), "Beatrice.txt"))
    pipeline.run()
    hand_over(owner, colleague)
    erasing.carry_out(closing.delete_account(owner, at_once=True))
    assert not User.objects.filter(pk=owner.pk).exists()
    for erasure in Erasure.objects.open():
        erasing.carry_out(erasure)
    pipeline.run()
    assert list(batch.files.order_by("created_at").values_list("filename", "status")) == [
        ("", "removed"),
        ("Beatrice.txt", "assigned"),
    ]
    named = {row.pk.hex for row in StoredContent.objects.all()}
    assert named == {
        Path(name).name for name in files_in(content_folder) if not name.startswith(erasing.NOTES)
    }
    assert set(StoredContent.objects.values_list("owner_id", flat=True)) == {colleague.pk}


def test_a_replaced_file_whose_batch_is_erased_leaves_nothing(
    pipeline: Pipeline, batch: Batch, make_essay: Essays, content_folder: Path
) -> None:
    upload = batch.files.order_by("created_at")[0]
    replacing.replace(upload, batch.owner, Incoming(ContentFile(make_essay(7)), "Beatrice.txt"))
    binning.delete(batch.pk, batch.owner.pk)
    version = Erasure.objects.get(kind="version")
    erasing.carry_out(Erasure.objects.get(kind="batch"))
    erasing.carry_out(version)
    pipeline.run()
    assert {path.split("/")[0] for path in files_in(content_folder)} == {erasing.NOTES}
    assert not Erasure.objects.open().exists() and not Timer.objects.filter(kind="erase").exists()
    told = str(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    assert "Astrid" not in told and "Beatrice" not in told


def test_a_backup_from_before_a_handing_over_costs_the_colleague_nothing(
    pipeline: Pipeline, batch: Batch, colleague: User
) -> None:
    """There the batch is the erased account's again, and nobody ever asked for its end."""
    owner = batch.owner
    hand_over(owner, colleague)
    erasing.carry_out(closing.delete_account(owner, at_once=True))
    told = list(repeating.known_erasures())
    User.objects.create(pk=owner.pk, username="teacher", date_joined=owner.date_joined)
    Batch.objects.update(owner_id=owner.pk)
    StoredContent.objects.update(owner_id=owner.pk)
    assert [user.pk for user in repeating.repeat(told).waiting] == [owner.pk]
    assert set(batch.files.values_list("filename", flat=True)) == {"Astrid 1.txt", "Astrid 2.txt"}
    assert not User.objects.get(pk=owner.pk).is_active
    assert "been handed over before" in said("repeat_erasures")
    assert not Erasure.objects.open().exists(), "or a worker would do it"
    hand_over(User.objects.get(pk=owner.pk), colleague)
    assert repeating.repeat(told).waiting == []
    assert not User.objects.filter(pk=owner.pk).exists() and not Erasure.objects.open().exists()
    assert batch.files.count() == 2


def test_a_backup_of_an_account_with_its_batches_is_erased_again(pipeline: Pipeline, batch: Batch) -> None:
    owner = batch.owner
    batches, users = list(Batch.objects.all()), [User.objects.get(pk=owner.pk)]
    erasing.carry_out(closing.delete_account(owner, at_once=True))
    User.objects.bulk_create(users)
    Batch.objects.bulk_create(batches)
    repeating.repeat(repeating.known_erasures())
    assert not User.objects.filter(pk=owner.pk).exists() and not Batch.objects.exists()
