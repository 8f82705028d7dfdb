"""Queries whose text is kept give what the ORM gives, with other values each time."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from batches import models as batches
from essays.actions import assignment, running
from files import content, models
from files.actions import reading
from huleedu.api import idempotency
from huleedu.postgres.kept import ONE, Kept
from huleedu.postgres.prepared import keep_plans
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline
from tests.statements import Count, counted

EVERY: dict[str, tuple[Kept[Any], tuple[Any, ...]]] = {
    "file": (models.LOCKED, (uuid4(),)),
    "batch": (batches.LOCKED, (uuid4(),)),
    "run": (running.LOCKED, (uuid4(), "spellcheck", 1)),
    "original": (assignment.ORIGINAL, (uuid4(), "ab" * 32, uuid4())),
    "place": (assignment.FREE, (uuid4(),)),
    "content": (content.STORED, (uuid4(), "raw")),
    "to read": (reading.FOUND, (uuid4(),)),
    "answer": (idempotency.KEPT, (1, "ab" * 32)),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.django_db
def test_each_is_one_statement_that_finds_nothing_of_a_stranger(name: str) -> None:
    kept, values = EVERY[name]
    kept.first(*values)
    with counted(count := Count()):
        assert kept.first(*values) is None
    assert count.statements == 1
    with pytest.raises(ObjectDoesNotExist):
        kept.get(*values)


def test_rows_are_as_the_orm_gives_them(pipeline: Pipeline, teacher: Any) -> None:
    batch = pipeline.register(teacher, 2)
    uploads = [pipeline.upload(batch, essay_bytes(number)) for number in (1, 2)]
    pipeline.run()
    for upload in uploads:
        with transaction.atomic():
            found = models.LOCKED.get(upload.pk)
            with counted(count := Count()):
                assert found.batch.owner_id == teacher.pk and found.batch.settings.steps
        assert count.statements == 0, "the batch came with it"
        plain = models.FileUpload.objects.get(pk=upload.pk)
        assert values_of(found) == values_of(plain)
        assert values_of(found.batch) == values_of(batches.Batch.objects.get(pk=batch.pk))


def values_of(row: Any) -> dict[str, Any]:
    """What the row has in each column."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_plans_are_kept_where_a_connection_keeps_them(pipeline: Pipeline, teacher: Any) -> None:
    batch = pipeline.register(teacher, 1)
    connection.close()
    keep_plans()
    try:
        with transaction.atomic():
            for _ in range(3):
                assert batches.LOCKED.get(batch.pk) == batch
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_prepared_statements WHERE statement ~ 'batches_batch'"
                )
                assert cursor.fetchone() == (1,)
    finally:
        connection.close()


def test_a_lock_needs_a_transaction(pipeline: Pipeline, teacher: Any) -> None:
    batch = pipeline.register(teacher, 1)
    with transaction.atomic():
        batches.LOCKED.get(batch.pk)
    with pytest.raises(TransactionManagementError):
        batches.LOCKED.get(batch.pk)


def test_another_thread_asks_on_its_own_connection(pipeline: Pipeline, teacher: Any) -> None:
    batch = pipeline.register(teacher, 1)
    found: list[object] = []

    def ask() -> None:
        try:
            with transaction.atomic():
                found.append(batches.LOCKED.get(batch.pk))
        finally:
            connection.close()

    with transaction.atomic():
        models.LOCKED.first(uuid4())
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(20)
    assert found == [batch]


def test_what_does_not_ask_for_its_sample_is_refused() -> None:
    careless = Kept(lambda _pk: batches.Batch.objects.filter(title="same for all"), ONE)
    with pytest.raises(ValueError, match="does not ask"):
        careless.first(uuid4())
