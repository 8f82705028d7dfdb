"""Essays with one text are told together: word for word, almost, and whatever becomes of their files."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from batches.models import Batch
from files import content
from files.models import FileUpload, StoredContent
from results.same_texts import same_texts
from tests.rows import add_essay, make_batch

pytestmark = pytest.mark.django_db
LONG = [f"word{number}" for number in range(200)]
TEXT = " ".join(LONG)
EDITED = " ".join([*LONG[:60], "other", *LONG[61:150], "words", *LONG[151:]])


def told(batch: Batch) -> list[tuple[list[int], bool]]:
    """What is told, by essay numbers."""
    numbers = {file.pk: file.slot.number for file in batch.files.select_related("slot") if file.slot}
    return [([numbers[each] for each in one.file_upload_ids], one.word_for_word) for one in same_texts(batch)]


def test_one_text_and_almost_one_are_told_apart(teacher: User) -> None:
    batch = make_batch(teacher, 9)
    texts = {1: "short and the same", 2: TEXT, 3: "another", 4: "short and the same", 5: EDITED, 6: TEXT}
    for number, text in texts.items():
        add_essay(batch, number, text)
    assert told(batch) == [([1, 4], True), ([2, 5, 6], False)]


def test_a_file_that_leaves_or_gets_another_text_is_told_no_more(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT)
    other = add_essay(batch, 2, EDITED)
    assert told(batch) == [([1, 2], False)]
    stored = content.store_text(uuid4(), "It was quite another text.")
    content.record(stored, teacher.pk, batch.pk)
    FileUpload.objects.filter(pk=other.pk).update(text_storage_id=stored.id)
    assert told(batch) == []


def test_texts_from_before_samples_were_kept_are_compared_word_for_word(teacher: User) -> None:
    batch = make_batch(teacher)
    for number, text in ((1, TEXT), (2, EDITED), (3, TEXT)):
        add_essay(batch, number, text)
    StoredContent.objects.update(phrases=b"")
    assert told(batch) == [([1, 3], True)]


def test_two_queries_and_nothing_of_other_batches(
    teacher: User,
) -> None:
    batch, other = make_batch(teacher, 20), make_batch(teacher)
    add_essay(other, 1, TEXT)
    for number in range(1, 13):
        add_essay(batch, number, " ".join(f"{number}x{word}" for word in LONG))
    add_essay(batch, 13, TEXT)
    with CaptureQueriesContext(connection) as made:
        assert same_texts(batch) == []
    assert len(made) == 2
