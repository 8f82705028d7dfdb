"""What was replaced is brought back as long as there is time, and only once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from batches.models import Batch
from essays.actions.accepting import accept
from essays.actions.essay_language import change_essay_language
from essays.actions.noting import note
from essays.models import AcceptedWord
from essays.notes import is_read, note_of
from files import content
from files.actions import removing, replacing, rereading, restoring
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from files.undo import undoable
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.models import LoggedEvent, Timer
from tests.api import client_of, problem
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


@pytest.fixture
def file(pipeline: Pipeline, teacher: User, make_essay: Essays) -> FileUpload:
    """An essay of a completed batch, in a folder."""
    batch = pipeline.register(teacher, 1)
    upload = pipeline.upload(batch, make_essay(1), "Eva 1.txt")
    pipeline.run()
    return FileUpload.objects.get(pk=upload.pk)


def replace(pipeline: Pipeline, file: FileUpload, data: bytes, name: str) -> None:
    file.refresh_from_db()
    replacing.replace(file, file.batch.owner, Incoming(file=ContentFile(data), filename=name))
    pipeline.run()
    file.refresh_from_db()


def test_the_earlier_file_is_back_with_name_essay_and_result(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    before = (file.filename, file.content_hash, file.raw_storage_id, file.words, file.slot_id)
    replace(pipeline, file, make_essay(2), "Eva 2.txt")
    other = file.raw_id
    assert file.filename == "Eva 2.txt"
    answer = client_of(file.batch.owner).post(f"/v1/files/{file.pk}/restore")
    assert answer.status_code == 200
    pipeline.run()
    file.refresh_from_db()
    assert (file.filename, file.content_hash, file.raw_storage_id, file.words, file.slot_id) == before
    assert (file.status, Batch.objects.get().status) == ("assigned", "completed")
    # What had replaced it goes when its time is over, and nothing of what stands.
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    Timer.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    pipeline.fire_timers()
    pipeline.run()
    assert not StoredContent.objects.filter(pk=other).exists()
    assert "Eva 2.txt" not in str(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    problem(client_of(file.batch.owner).post(f"/v1/files/{file.pk}/restore"), 409, "NOT_REMOVED")
    content.check_one(StoredContent.Kind.RAW, before[2])  # type: ignore[arg-type]
    assert "Eva 1.txt" in str(list(LoggedEvent.objects.values_list("envelope", flat=True)))


@pytest.mark.parametrize("deed", ["replaced", "put back, forth and back", "removed", "read again"])
def test_what_its_teacher_said_of_a_file_is_there_when_the_file_is_back(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays, deed: str
) -> None:
    teacher, slot = file.batch.owner, file.slot
    assert slot is not None
    change_essay_language(file, teacher, "sv")
    accept(file, teacher, "freind", "essay")
    note(file, teacher, text="Ask Eva.", read=True)
    pipeline.run()

    def said() -> tuple[str, str, bool, list[str]]:
        now = FileUpload.objects.select_related("essay_note").get(pk=file.pk)
        words = AcceptedWord.objects.filter(file=file).values_list("word", flat=True)
        return now.chosen_language, note_of(now).text, is_read(now), list(words)

    before = said()
    assert before == ("sv", "Ask Eva.", True, ["freind"])
    if deed == "read again":
        rereading.reread(file, teacher)
    elif deed == "removed":
        removing.remove(file)
        restoring.restore(FileUpload.objects.get(pk=file.pk), teacher)
    else:
        replace(pipeline, file, make_essay(2), "Eva 2.txt")
        assert (said()[0], said()[2]) == ("", False), "another text may be in another language"
        for _ in range(1 if deed == "replaced" else 3):
            restoring.restore(FileUpload.objects.get(pk=file.pk), teacher)
            pipeline.run()
    pipeline.run()
    assert said() == before


def test_the_last_replacement_is_undone_first(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    for number in (2, 3):
        replace(pipeline, file, make_essay(number), f"Eva {number}.txt")
    for name in ("Eva 2.txt", "Eva 3.txt"):
        assert [(each.filename, each.replaced) for each in undoable(file.batch)] == [(name, True)]
        restoring.restore(file, file.batch.owner)
        pipeline.run()
        file.refresh_from_db()
        assert (file.filename, file.status) == (name, "assigned")


def test_when_its_time_is_over_nothing_is_offered(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    replace(pipeline, file, make_essay(2), "Eva 2.txt")
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refused, match="NOT_REMOVED"):
        restoring.restore(file, file.batch.owner)
    Timer.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    pipeline.fire_timers()
    pipeline.run()
    with pytest.raises(Refused, match="NOT_REMOVED"):
        restoring.restore(file, file.batch.owner)
    file.refresh_from_db()
    assert (file.filename, file.status) == ("Eva 2.txt", "assigned")


def test_a_removed_file_comes_back_as_it_was_last(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    replace(pipeline, file, make_essay(2), "Eva 2.txt")
    removing.remove(file)
    assert [(each.filename, each.replaced) for each in undoable(file.batch)] == [("Eva 2.txt", False)]
    file.refresh_from_db()
    restoring.restore(file, file.batch.owner)
    pipeline.run()
    file.refresh_from_db()
    assert (file.filename, file.status) == ("Eva 2.txt", "assigned")


def test_a_removal_taken_back_in_two_windows_brings_no_earlier_version(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    replace(pipeline, file, make_essay(2), "Eva 2.txt")
    removing.remove(file)
    address, client = f"/v1/files/{file.pk}/restore", client_of(file.batch.owner)
    problem(client.post(address, {"what": "replaced"}, format="json"), 409, "FILE_REMOVED")
    for _ in range(2):
        answer = client.post(address, {"what": "removed"}, format="json")
        assert (answer.status_code, answer.json()["filename"]) == (200, "Eva 2.txt")
        pipeline.run()
    replaced = client.post(address, {"what": "replaced"}, format="json")
    assert replaced.json()["filename"] == "Eva 1.txt"
    problem(client.post(address, {"what": "deleted"}, format="json"), 400, "INVALID")


def test_it_is_offered_on_the_pages_and_done_without_script(
    pipeline: Pipeline, file: FileUpload, make_essay: Essays
) -> None:
    replace(pipeline, file, make_essay(2), "Eva 2.txt")
    client = Client()
    client.force_login(file.batch.owner)
    removed = client.get(f"/batches/{file.batch_id}/removed/").content.decode()
    assert "Eva 1.txt" in removed
    assert "Bring the earlier file back" in client.get(f"/files/{file.pk}/trace/").content.decode()
    for _ in range(2):  # a button that is pressed twice
        client.post(f"/files/{file.pk}/actions/restore/", {"revision": file.revision})
    pipeline.run()
    file.refresh_from_db()
    assert file.filename == "Eva 1.txt"
