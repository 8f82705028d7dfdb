"""F22, F36: content removed or changed behind our back, and the order in which bytes become durable."""

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections

from files import content
from files.actions import receiving
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.models import WorkItem
from tests.api import client_of, problem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline


def path_of(folder: Path, kind: str, content_id: UUID) -> Path:
    return folder / content.storage_name(kind, content_id)


def verify() -> tuple[int, str]:
    """Exit code and output of ``manage.py verify_store``."""
    out = StringIO()
    try:
        call_command("verify_store", stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def read_essays(pipeline: Pipeline, teacher: User) -> list[FileUpload]:
    """Two essays, read and checked."""
    batch = pipeline.register(teacher, 2)
    uploads = [pipeline.upload(batch, essay_bytes(number)) for number in range(2)]
    pipeline.run()
    for upload in uploads:
        upload.refresh_from_db()
    return uploads


def test_whole_content_is_found_whole(read_essays: list[FileUpload]) -> None:
    assert verify() == (0, "4 contents, 0 damaged.\n")


def test_removed_and_changed_content_is_found_and_shown(
    read_essays: list[FileUpload], content_folder: Path, teacher: User
) -> None:
    first, second = read_essays
    path_of(content_folder, "text", first.text_id).unlink()
    raw = path_of(content_folder, "raw", second.raw_id)
    raw.write_bytes(bytes([raw.read_bytes()[0] ^ 1]) + raw.read_bytes()[1:])
    code, text = verify()
    assert code == 1
    assert sorted(text.splitlines()) == [
        "4 contents, 2 damaged.",
        f"changed raw {second.raw_id} batch {second.batch_id} files {second.pk}",
        f"missing text {first.text_id} batch {first.batch_id} files {first.pk}",
    ]
    assert first.slot is not None
    problem(client_of(teacher).get(f"/v1/essays/{first.slot.pk}"), 409, "CONTENT_DAMAGED")
    assert client_of(teacher).get(f"/v1/batches/{first.batch_id}/results").status_code == 200


def test_a_file_whose_bytes_are_gone_ends_with_an_error(
    pipeline: Pipeline, teacher: User, content_folder: Path
) -> None:
    batch = pipeline.register(teacher, 1, max_retries=0)
    upload = pipeline.upload(batch, essay_bytes(1))
    path_of(content_folder, "raw", upload.raw_id).unlink()
    pipeline.run()
    upload.refresh_from_db()
    assert (upload.status, upload.error and upload.error["error_code"]) == ("failed", "CONTENT_DAMAGED")
    assert not WorkItem.objects.exists()


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the disk and the database, in order."""
    done: list[str] = []

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*arguments: Any, **options: Any) -> Any:
            value = call(*arguments, **options)
            done.append(name)
            return value

        return watch

    def flush(descriptor: int) -> None:
        real_fsync(descriptor)
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append("fsync folder" if target.is_dir() else "fsync file")

    real_fsync = os.fsync
    database = connections["default"]
    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", watched("rename", Path.replace))
    monkeypatch.setattr(database, "commit", watched("commit", database.commit))
    return done


def test_bytes_are_on_the_disk_before_the_commit(pipeline: Pipeline, teacher: User, order: list[str]) -> None:
    batch = pipeline.register(teacher, 1)
    order.clear()
    incoming = Incoming(file=ContentFile(essay_bytes(1)), filename="essay.txt")
    receiving.receive(batch.pk, teacher, incoming, uuid4())
    steps = [step for step in order if step != "fsync folder"]
    assert steps == ["fsync file", "rename", "commit"]
    assert order[order.index("rename") + 1] == "fsync folder"
    assert order.index("commit") > order.index("rename") + 1
