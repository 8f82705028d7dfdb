"""A connection that breaks while a commit is under way: nobody knows how it ended, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import OperationalError, connections

from files import content
from files.actions import receiving, replacing
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.failures.errors import Refused
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

Break = Callable[[], None]


@pytest.fixture
def answer_lost(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Arms the loss: the next commit happens, but its caller hears of a broken connection."""

    def arm() -> None:
        wrapper = connections["default"]
        commit = wrapper.commit

        def committed_but_unheard() -> None:
            monkeypatch.setattr(wrapper, "commit", commit)
            commit()
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(wrapper, "commit", committed_but_unheard)

    return arm


def incoming(number: int, key: str | None = None) -> Incoming:
    return Incoming(file=ContentFile(essay_bytes(number)), filename="essay.txt", upload_key=key)


def test_an_upload_keeps_its_bytes_and_a_repeat_finds_it(
    pipeline: Pipeline, teacher: User, answer_lost: Break
) -> None:
    batch = pipeline.register(teacher, 1)
    answer_lost()
    with pytest.raises(OperationalError):
        receiving.receive(batch.pk, teacher, incoming(1, "key"), uuid4())
    repeated = receiving.receive(batch.pk, teacher, incoming(1, "key"), uuid4())
    assert FileUpload.objects.get() == repeated
    assert content.read("raw", repeated.raw_id) == essay_bytes(1)
    pipeline.run()
    repeated.refresh_from_db()
    assert repeated.status == "assigned"


def test_a_replacement_keeps_its_bytes(pipeline: Pipeline, teacher: User, answer_lost: Break) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    answer_lost()
    with pytest.raises(OperationalError):
        replacing.replace(upload, teacher, incoming(2))
    upload.refresh_from_db()
    assert content.read("raw", upload.raw_id) == essay_bytes(2)


def test_refused_bytes_do_not_stay(pipeline: Pipeline, teacher: User, content_folder: Path) -> None:
    batch = pipeline.register(teacher, 1)
    batch.move_to("cancelled")
    with pytest.raises(Refused):
        receiving.receive(batch.pk, teacher, incoming(1), uuid4())
    assert not StoredContent.objects.exists()
    assert not [path for path in content_folder.rglob("*") if path.is_file()]
