"""What the list of files says once for many."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from batches.models import Batch
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from results.queries import file_records
from results.troubles import Troubles, troubles
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db


def failed(batch: Batch, code: str, filename: str = "a.odt", **details: Any) -> FileUpload:
    """A file that failed so."""
    error = make_detail(code, "extract", uuid4(), **details).model_dump(mode="json")
    return add_file(batch, "failed", filename=filename, error=error)


def told(batch: Batch) -> Troubles:
    with translation.override("en"):
        return troubles(batch, file_records(batch))


def test_files_with_one_problem_are_told_of_once(teacher: User) -> None:
    batch = make_batch(teacher)
    for number in range(3):
        failed(batch, "UNSUPPORTED_FORMAT", f"{number}.odt", detected="odt")
    for number in range(2):
        failed(batch, "EMPTY_CONTENT", f"{number}.txt")
        failed(batch, "UNSUPPORTED_FORMAT", f"{number}.xyz", detected="unknown")
    failed(batch, "ENCRYPTED_FILE")
    found = told(batch).groups
    assert told(batch).told == 3
    assert [group.title for group in found] == [
        "3 files are of the kind OpenDocument (.odt).",
        "2 files: No text found.",
        "2 files: This kind of file can’t be read.",
    ]
    assert [len(group.files) for group in found] == [3, 2, 2]
    assert all(group.may_replace and group.may_remove and group.help for group in found)


def test_a_copy_names_its_original(teacher: User) -> None:
    batch = make_batch(teacher)
    original = add_essay(batch, 2, "one two three")
    for twin, name in ((str(original.pk), "Copy.txt"), (str(uuid4()), "Older.txt")):
        error = make_detail("DUPLICATE_CONTENT", "assign", uuid4(), duplicate_of=twin)
        add_file(batch, "duplicate", filename=name, error=error.model_dump(mode="json"))
    found = {copy.file.filename: copy.original for copy in told(batch).copies}
    named = found["Copy.txt"]
    assert named is not None and named.essay_number == 2
    assert found["Older.txt"] is None


def test_one_text_in_two_files_is_a_question(teacher: User, client: Client) -> None:
    batch = make_batch(teacher)
    for number, text in ((1, "the same text"), (2, "another text"), (3, "the same text")):
        add_essay(batch, number, text)
    (same,) = told(batch).same_texts
    assert [file.essay_number for file in same.files] == [1, 3] and same.word_for_word
    assert told(batch).told == 1
    client.force_login(teacher)
    page = client.get(reverse("batch-troubles", args=[batch.pk]), headers={"Accept-Language": "en"})
    assert "Do these belong together?" in page.content.decode()
    assert "banner-fail" not in page.content.decode()
    batch.files.filter(slot__number=3).update(status="removed", slot=None)
    assert told(batch).same_texts == []


def test_almost_one_text_is_a_question_with_at_most_so_many_named(teacher: User, client: Client) -> None:
    batch = make_batch(teacher, expected=20)
    words = [f"word{number}" for number in range(200)]
    for number in range(1, 13):
        add_essay(batch, number, " ".join([*words[: 200 - number], *["another"] * number]))
    (same,) = told(batch).same_texts
    assert [file.essay_number for file in same.files] == list(range(1, 13)) and not same.word_for_word
    client.force_login(teacher)
    page = client.get(reverse("batch-troubles", args=[batch.pk]), headers={"Accept-Language": "en"})
    said = " ".join(page.content.decode().split())
    assert "The texts are almost the same:" in said and ", 4 more. All are kept." in said


def test_nothing_is_said_when_there_is_nothing_to_say(teacher: User, client: Client) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, "one")
    failed(batch, "EMPTY_CONTENT")
    assert told(batch) == Troubles([], [], [])
    client.force_login(teacher)
    assert client.get(reverse("batch-troubles", args=[batch.pk])).content.strip() == b""


def test_its_owner_alone_sees_it_with_as_many_queries_for_many(
    teacher: User, colleague: User, client: Client
) -> None:
    batch = make_batch(teacher, expected=20)
    address = reverse("batch-troubles", args=[batch.pk])
    assert client.get(address).status_code == 302
    client.force_login(colleague)
    assert client.get(address).status_code == 404
    client.force_login(teacher)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    add_essay(batch, 1, "one")
    few = queries()
    for number in range(2, 15):
        add_essay(batch, number, "one")
        failed(batch, "EMPTY_CONTENT")
    assert queries() == few
