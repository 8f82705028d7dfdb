"""Events that are delivered again after a month, when nobody remembers that they were consumed."""

import random
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from files.actions import removing, replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.models import ConsumedEvent, DeadLetter
from results.models import EssayResult
from results.queries import snapshot
from tests.pipeline import Pipeline

Change = Callable[[Pipeline, FileUpload, User], None]


def replaced(pipeline: Pipeline, upload: FileUpload, teacher: User) -> None:
    incoming = Incoming(ContentFile(b"another text of the same pupil " * 4), "other.txt")
    replacing.replace(upload, teacher, incoming)


def removed_and_back(pipeline: Pipeline, upload: FileUpload, teacher: User) -> None:
    removing.remove(upload)
    pipeline.run()
    rereading.reread(upload, teacher)


def failed_and_mended(pipeline: Pipeline, upload: FileUpload, teacher: User) -> None:
    replacing.replace(upload, teacher, Incoming(ContentFile(b" "), "empty.txt"))
    pipeline.run()
    replaced(pipeline, upload, teacher)


@pytest.mark.parametrize("order", [None, 1, 2, 3])
@pytest.mark.parametrize("change", [replaced, removed_and_back, failed_and_mended])
def test_they_change_nothing(
    pipeline: Pipeline, teacher: User, make_essay: Callable[[int], bytes], change: Change, order: int | None
) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    change(pipeline, upload, teacher)
    pipeline.run()
    before = snapshot(batch)
    results = list(EssayResult.objects.values("file_id", "revision", "text_storage_id", "phases"))
    assert len(results) == 1
    pipeline.deliver_again(batch.pk, None if order is None else random.Random(order))  # noqa: S311
    ConsumedEvent.objects.all().delete()
    pipeline.run()
    assert snapshot(batch) == before
    assert list(EssayResult.objects.values("file_id", "revision", "text_storage_id", "phases")) == results
    assert not DeadLetter.objects.exists()
