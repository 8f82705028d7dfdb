"""The notes of later erasures are read from the bucket of the installation that was backed up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django import Settings

from files.actions import removing
from files.models import FileUpload, StoredContent
from files.store import STORE
from huleedu.erasure import Erasure
from huleedu.fit.store_mark import claim_store
from huleedu.forgetting import erasing, repeating
from huleedu.forgetting.later_erasures import in_store
from huleedu.postgres import standstill
from tests.conftest import essay_bytes
from tests.faults.proxy import proxy
from tests.huleedu.backing_up import Place, empty_place
from tests.huleedu.forgetting.test_later_erasures import essays_in
from tests.object_store import BUCKET, CREDENTIALS, ObjectStore, object_store, sign_in, storages_of
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
ESSAYS, ERASED = 10, 9  # more than one page of a listing
OLD_STORE = f"s3:{BUCKET}"


@pytest.fixture
def server(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, content_folder: Path
) -> Iterator[ObjectStore]:
    """Where this process keeps its content."""
    sign_in(monkeypatch)
    with object_store() as found:
        settings.STORAGES = storages_of(found.port)
        settings.S3_BUCKET, settings.S3_ENDPOINT = BUCKET, f"http://127.0.0.1:{found.port}"
        STORE.forget()
        yield found
    STORE.forget()


@pytest.fixture
def backup(server: ObjectStore, pipeline: Pipeline, teacher: User, tmp_path: Path) -> Path:
    """A backup that holds files which were erased later."""
    claim_store()
    batch = pipeline.register(teacher, ESSAYS)
    files = [pipeline.upload(batch, essay_bytes(number)) for number in range(ESSAYS)]
    pipeline.run()
    call_command("backup", str(tmp_path / "backup.tar"))
    for file in files[:ERASED]:
        removing.remove(FileUpload.objects.get(pk=file.pk))
    for erasure in Erasure.objects.open():
        erasing.carry_out(erasure)
    assert StoredContent.objects.filter(kind="raw").count() == ESSAYS - ERASED
    return tmp_path / "backup.tar"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    """Where nothing is yet."""
    with empty_place(tmp_path / "there") as found:
        yield found


def with_bucket(place: Place, port: int, bucket: str) -> Place:
    """``place`` with its content in a bucket that its own command makes."""
    place.variables |= {
        **CREDENTIALS,
        "HULEEDU_S3_BUCKET": bucket,
        "HULEEDU_S3_ENDPOINT": f"http://127.0.0.1:{port}",
    }
    made = place.manage("create_bucket")
    assert made.returncode == 0, made
    return place


def test_a_restore_into_another_bucket_reads_the_old_one(
    backup: Path, server: ObjectStore, there: Place
) -> None:
    with_bucket(there, server.port, "new")
    done = there.manage("restore", str(backup))
    assert (done.returncode, f"{ERASED} erasures repeated." in done.stdout) == (0, True), done
    assert f"is read from {OLD_STORE}." in done.stdout
    assert essays_in(there) == ESSAYS - ERASED
    looked = there.manage("verify_store")
    assert (looked.returncode, " 0 damaged." in looked.stdout) == (0, True), looked
    kept = [name for name in objects(server, "new") if name.startswith("raw/")]
    assert len(kept) == ESSAYS - ERASED


def objects(server: ObjectStore, bucket: str) -> list[str]:
    pages = server.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def test_told_afterwards_the_old_bucket_is_read(backup: Path, server: ObjectStore, there: Place) -> None:
    """Restored into a folder, where no setting says at which address the bucket is: none outside is asked."""
    done = there.manage("restore", str(backup), **CREDENTIALS)
    assert (done.returncode, "NOT YET TO BE USED" in done.stderr) == (4, True), done
    assert "Set HULEEDU_S3_ENDPOINT" in done.stdout and "amazonaws" not in done.stdout, done
    reached = {**CREDENTIALS, "HULEEDU_S3_ENDPOINT": f"http://127.0.0.1:{server.port}"}
    refused = there.manage("repeat_erasures", "--old-store", "s3:another", **reached)
    assert (refused.returncode, "no such bucket" in refused.stderr) == (1, True), refused
    told = there.manage("repeat_erasures", "--old-store", OLD_STORE, **reached)
    assert (told.returncode, "may be used now" in told.stdout) == (0, True), told
    assert essays_in(there) == ESSAYS - ERASED
    with there.connect() as database:
        assert standstill.read(database) is None


def test_notes_that_come_in_pieces_are_read_whole(
    backup: Path, server: ObjectStore, settings: Settings
) -> None:
    identity = server.get("installation").decode().strip()
    with proxy(("127.0.0.1", server.port)) as line:
        line.drip = 0.0001
        settings.S3_ENDPOINT = f"http://127.0.0.1:{line.port}"
        settings.STORAGES = storages_of(line.port)
        assert len(in_store(OLD_STORE, identity)) == ERASED
        assert {facts["id"] for facts in repeating.known_erasures()} == {
            str(erasure.pk) for erasure in Erasure.objects.all()
        }
