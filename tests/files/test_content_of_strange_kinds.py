"""A stored file that became something else on the disk is one file's error: no hang, no outage of all."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings

from files import content
from files.models import FileUpload, StoredContent
from files.store import STORE
from huleedu.failures.errors import StorageFailed
from huleedu.fit.store_mark import NAME, UNSEEN, check_store, claim_store
from huleedu.models import DeadLetter, WorkItem
from huleedu.relay.maintenance import tidy_store
from tests.api import client_of, problem
from tests.conftest import essay_bytes
from tests.faults.test_store_damage import path_of, verify
from tests.pipeline import Pipeline

AT_ONCE = 3.0  # seconds; a pipe that is opened waits for ever
NOBODY = 65534


def folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def to_another(path: Path) -> None:
    """A link to the very bytes, elsewhere: whoever may write there decides what we read."""
    outside = Path(tempfile.mkdtemp()) / "outside"
    outside.write_bytes(essay_bytes(0))
    path.symlink_to(outside)


def round_and_round(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero has no end
    except PermissionError:
        path.symlink_to("/dev/zero")


def listener(path: Path) -> None:
    short = Path(tempfile.mkdtemp()) / "s"  # the kernel takes no long names
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(short))
    shutil.move(short, path)
    short.parent.rmdir()


STRANGE: dict[str, Callable[[Path], None]] = {
    "folder": folder,
    "pipe": os.mkfifo,
    "device": device,
    "dangling link": dangling,
    "link outside": to_another,
    "link to itself": round_and_round,
    "socket": listener,
}


@contextmanager
def at_once() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < AT_ONCE
    assert not STORE.breaker.is_open


@pytest.mark.parametrize("kind", STRANGE)
def test_it_is_that_files_error_alone(
    kind: str, pipeline: Pipeline, teacher: User, content_folder: Path
) -> None:
    claim_store()
    client = client_of(teacher)
    batch = pipeline.register(teacher, 2, max_retries=0)
    strange, other = (pipeline.upload(batch, essay_bytes(number)) for number in range(2))
    path = path_of(content_folder, "raw", strange.raw_id)
    path.unlink()
    STRANGE[kind](path)
    with at_once():
        problem(client.get(f"/v1/content/{strange.raw_id}"), 409, "CONTENT_DAMAGED")
    with at_once():
        assert client.get(f"/v1/content/{other.raw_id}").content == essay_bytes(1)
    with at_once():
        code, text = verify()
    assert code == 1 and f"unreadable raw {strange.raw_id}" in text and "2 contents, 1 damaged" in text
    pipeline.run()
    states = dict(FileUpload.objects.values_list("pk", "status"))
    assert states == {strange.pk: "failed", other.pk: "assigned"}
    strange.refresh_from_db()
    assert strange.error is not None and strange.error["error_code"] == "CONTENT_DAMAGED"
    assert not WorkItem.objects.exists() and not DeadLetter.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", STRANGE)
def test_a_mark_that_is_none_is_a_store_that_is_not_seen(kind: str, content_folder: Path) -> None:
    claim_store()
    (content_folder / NAME).unlink()
    STRANGE[kind](content_folder / NAME)
    with at_once():
        assert check_store() == UNSEEN


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [*STRANGE, "file"])
def test_a_strange_folder_keeps_nobody_from_tidying(kind: str, content_folder: Path) -> None:
    orphan = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"orphan"))
    path = path_of(content_folder, "raw", orphan.id)
    strange = next(path.parent.with_name(name) for name in ("00", "01") if name != path.parent.name)
    for place in (strange, path.parent / uuid4().hex):
        (STRANGE | {"file": Path.touch})[kind](place)
    tidy_store(timezone.now() + timedelta(hours=1))
    assert not path.exists()


@pytest.fixture
def open_folder(settings: Settings) -> Iterator[Path]:
    """A content store that an ordinary user could own; root reads whatever it is forbidden."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": made / "content"}},
    }
    yield made / "content"
    shutil.rmtree(made)


@contextmanager
def ordinary(folder: Path) -> Iterator[None]:
    """Go on as a user who owns ``folder``."""
    if os.geteuid() != 0:
        yield
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_may_not_be_read_is_damaged_alone(open_folder: Path, teacher: User) -> None:
    claim_store()
    first, second = (content.store_text(uuid4(), f"text {number}") for number in range(2))
    for one in (first, second):
        content.record(one, teacher.pk, None)
    assert content.read_text(first.id) == "text 0"
    path_of(open_folder, "text", first.id).chmod(0)
    with ordinary(open_folder):
        (found,) = content.check("text", [first.id, second.id])
        assert (found.content_id, found.facts["damage"]) == (first.id, "unreadable")
        assert content.read_text(second.id) == "text 1"
        (open_folder / NAME).chmod(0)
        with pytest.raises(StorageFailed):  # nothing may be read: an outage
            content.read_text(first.id)
    (open_folder / NAME).chmod(0o600)
    path_of(open_folder, "text", first.id).chmod(0o600)
    assert content.read_text(first.id) == "text 0"
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()
