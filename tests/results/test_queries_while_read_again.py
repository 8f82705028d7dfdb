"""While a file is read again its place waits for content, wherever one looks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from batches.models import Batch, EssaySlot
from files.actions import reading, removing, replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.failures.errors import ErrorCode
from huleedu.models import WorkItem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

Begin = Callable[[FileUpload, User], object]
COMING_BACK = "The file is being read again."


def reread(upload: FileUpload, teacher: User) -> None:
    """The teacher has it read again."""
    rereading.reread(upload, teacher)


def replace(upload: FileUpload, teacher: User) -> None:
    """The teacher puts other bytes in its place."""
    incoming = Incoming(file=ContentFile(essay_bytes(7)), filename="other.txt")
    replacing.replace(upload, teacher, incoming)


def reprocess(upload: FileUpload, teacher: User) -> None:
    """A script asks for it through the API."""
    client = APIClient()
    client.force_login(teacher)
    answer = client.post(f"/v1/files/{upload.pk}/reprocess", {}, format="json")
    assert answer.status_code == 200
    assert answer.json()["status"] == "processing"


BEGINNINGS = {"reread": reread, "replace": replace, "reprocess": reprocess}
begun = pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS.keys())


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    """Two essays, read and checked, of three."""
    batch = pipeline.register(teacher, 3)
    for number in (1, 2):
        pipeline.upload(batch, essay_bytes(number), f"essay {number}.txt")
    pipeline.run()
    return batch


@pytest.fixture
def upload(batch: Batch) -> FileUpload:
    """The file of the first essay."""
    return batch.files.select_related("slot").get(slot__number=1)


@pytest.fixture
def api(teacher: User) -> APIClient:
    """The teacher's client."""
    client = APIClient()
    client.force_login(teacher)
    return client


@pytest.fixture
def page(client: Client, teacher: User) -> Client:
    """The teacher's browser, in English."""
    client.force_login(teacher)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def body(client: APIClient, address: str) -> dict[str, Any]:
    """A good answer's body."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    found: dict[str, Any] = answer.json()
    return found


def text_of(client: Client, name: str, *arguments: object) -> str:
    """A good page."""
    answer = client.get(reverse(name, args=arguments))
    assert answer.status_code == 200
    return answer.content.decode()


@begun
def test_the_api_shows_a_place_that_waits(
    begin: Begin, upload: FileUpload, batch: Batch, api: APIClient, teacher: User
) -> None:
    begin(upload, teacher)
    snapshot = body(api, f"/v1/batches/{batch.pk}")
    statuses = {essay["number"]: essay["status"] for essay in snapshot["essays"]}
    assert statuses == {1: "awaiting_content", 2: "completed", 3: "awaiting_content"}
    (file,) = (one for one in snapshot["files"] if one["file_upload_id"] == str(upload.pk))
    assert (file["status"], file["essay_id"], file["words"]) == ("processing", None, None)
    results = body(api, f"/v1/batches/{batch.pk}/results")
    for counts in (
        snapshot["counts"],
        results["counts"],
        body(api, f"/v1/batches/{batch.pk}/status")["counts"],
    ):
        assert (counts["assigned"], counts["in_progress"], counts["free"]) == (1, 1, 2)
    assert [essay["number"] for essay in results["essays"]] == [2]
    assert [(one["file_upload_id"], one["words"]) for one in results["files"]] == [(str(upload.pk), None)]
    analytics = body(api, f"/v1/batches/{batch.pk}/analytics")
    assert sum(bin["count"] for bin in analytics["words"]["histogram"]) == 1


@begun
def test_the_essay_has_no_text_meanwhile(
    begin: Begin, upload: FileUpload, api: APIClient, teacher: User
) -> None:
    address = f"/v1/essays/{upload.slot_id}"
    before = body(api, address)
    assert (before["status"], before["text"] is None) == ("completed", False)
    begin(upload, teacher)
    essay = body(api, address)
    assert essay["status"] == "awaiting_content"
    assert essay["file_upload_id"] == str(upload.pk)
    nothing = ("text", "text_storage_id", "words", "characters", "spellcheck", "found_language")
    assert {name: essay[name] for name in nothing} == dict.fromkeys(nothing)


@begun
def test_the_essays_page_says_that_it_is_read_again(
    begin: Begin, upload: FileUpload, batch: Batch, page: Client, teacher: User, pipeline: Pipeline
) -> None:
    begin(upload, teacher)
    shown = text_of(page, "essay", batch.pk, 1)
    assert COMING_BACK in shown
    assert "spelling mark" not in shown
    pipeline.run()
    assert COMING_BACK not in text_of(page, "essay", batch.pk, 1)


def test_nobody_else_sees_that_and_an_empty_place_is_still_missing(
    upload: FileUpload, batch: Batch, page: Client, teacher: User, colleague: User
) -> None:
    reread(upload, teacher)
    assert page.get(reverse("essay", args=[batch.pk, 3])).status_code == 404
    page.force_login(colleague)
    assert page.get(reverse("essay", args=[batch.pk, 1])).status_code == 404


@begun
def test_lists_and_figures_leave_it_out(
    begin: Begin, upload: FileUpload, batch: Batch, page: Client, teacher: User
) -> None:
    begin(upload, teacher)
    essays = text_of(page, "essay-list", batch.pk)
    assert ("/essays/1/" in essays, "/essays/2/" in essays) == (False, True)
    context = page.get(reverse("results", args=[batch.pk])).context
    rows = {line.number: (line.status, line.words is None) for line in context["rows"]}
    assert rows == {2: ("assigned", False), None: ("processing", True)}
    assert context["tiles"].ready == 1
    other = page.get(reverse("essay", args=[batch.pk, 2])).context
    assert (other["position"], other["total"], other["previous_number"]) == (1, 1, None)


def test_marks_and_steps_of_the_old_text_are_not_counted(
    pipeline: Pipeline, teacher: User, page: Client
) -> None:
    batch = pipeline.register(teacher, 2)
    wrong = b" My freind came, and her freind came too, and we all were good freinds. My freind left."
    pipeline.upload(batch, essay_bytes(1) + wrong, "wrong.txt")
    pipeline.upload(batch, essay_bytes(2), "right.txt")
    pipeline.run()
    results = reverse("results", args=[batch.pk])
    marked = batch.files.get(filename="wrong.txt")
    before = {mark.word for mark in page.get(results).context["common"]}
    reread(marked, teacher)
    after = {mark.word for mark in page.get(results).context["common"]}
    assert "freind" in before
    assert "freind" not in after
    assert [
        phase.succeeded for phase in page.get(results).context["phases"] if phase.status == "running"
    ] in ([], [1])


def test_a_file_that_cannot_be_read_again_gets_its_text_and_place_back(
    pipeline: Pipeline, upload: FileUpload, batch: Batch, api: APIClient, teacher: User, page: Client
) -> None:
    reread(upload, teacher)
    pipeline.relay.drain()
    item = WorkItem.objects.get(subject_id=upload.pk, step="extract", state="queued")
    reading.reject(item, ErrorCode.TIMEOUT, {})
    pipeline.run()
    snapshot = body(api, f"/v1/batches/{batch.pk}")
    assert snapshot["essays"][0]["status"] == "completed"
    assert body(api, f"/v1/essays/{upload.slot_id}")["text"] is not None
    assert COMING_BACK not in text_of(page, "essay", batch.pk, 1)


def test_a_removed_file_that_is_brought_back_has_its_place_again_which_waits(
    pipeline: Pipeline, teacher: User, page: Client
) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    removing.remove(upload)
    assert page.get(reverse("essay", args=[batch.pk, 1])).status_code == 404
    reread(upload, teacher)
    assert COMING_BACK in text_of(page, "essay", batch.pk, 1)
    assert page.get(reverse("essay", args=[batch.pk, 2])).status_code == 404
    assert set(EssaySlot.objects.filter(batch=batch).values_list("status", flat=True)) == {"awaiting_content"}
