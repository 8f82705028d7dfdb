"""Accounts close, are deleted with all they have, and erasures are repeated after a restored backup."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from batches.models import Batch
from files.actions import removing
from files.models import FileUpload, StoredContent
from huleedu.accounts import closing
from huleedu.accounts.authentication import find_token, make_token
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.models import LoggedEvent, Session, Timer
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


def said(*words: str) -> str:
    output = StringIO()
    call_command(*words, stdout=output)
    return output.getvalue()


def test_a_closed_account_has_no_sessions_and_no_tokens(teacher: User, colleague: User) -> None:
    for user in (teacher, colleague):
        Client().force_login(user)
    secret = make_token(teacher, "mine").secret
    assert "closed" in said("account", "close", "teacher")
    teacher.refresh_from_db()
    assert not teacher.is_active and find_token(secret) is None
    assert [row.user for row in Session.objects.all()] == [colleague]


def test_a_deleted_account_goes_with_all_it_has(
    pipeline: Pipeline, teacher: User, colleague: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, make_essay(1), "Astrid.txt")
    other = pipeline.register(colleague, 1)
    pipeline.upload(other, make_essay(2), "Beatrice.txt")
    pipeline.run()
    make_token(teacher, "mine")
    assert "--undo" in said("account", "delete", "teacher")
    pipeline.run()
    assert Batch.objects.count() == 2
    assert "being erased" in said("account", "delete", "teacher", "--now")
    pipeline.fire_timers()
    pipeline.run()
    assert list(User.objects.values_list("username", flat=True)) == ["colleague"]
    assert Batch.objects.get() == other
    assert {row.owner_id for row in StoredContent.objects.all()} == {colleague.pk}
    assert not Erasure.objects.open().exists()
    envelopes = json.dumps(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    assert "Astrid" not in envelopes and "Beatrice" in envelopes


def test_a_deletion_is_taken_back(teacher: User) -> None:
    said("account", "delete", "teacher")
    assert "open again" in said("account", "delete", "teacher", "--undo")
    teacher.refresh_from_db()
    assert teacher.is_active and not Erasure.objects.exists()
    with pytest.raises(CommandError, match="no deletion"):
        said("account", "delete", "teacher", "--undo")
    with pytest.raises(Refused):
        closing.keep_account(teacher)


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["close", "delete"])
def test_nobody_of_that_name(command: str) -> None:
    with pytest.raises(CommandError, match="no account"):
        said("account", command, "nobody")


TABLES = (
    "batches_essayslot",
    "files_fileupload",
    "files_storedcontent",
    "essays_steprun",
    "results_essayresult",
)


def copies(model_tables: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for table in model_tables:
            cursor.execute(f"DROP TABLE IF EXISTS copy_{table}")
            cursor.execute(f"CREATE TEMPORARY TABLE copy_{table} AS SELECT * FROM {table}")  # noqa: S608


def restored(model_tables: tuple[str, ...]) -> None:
    """The rows are again what they were when they were copied, and the ledger knows nothing."""
    with connection.cursor() as cursor:
        for table in reversed(model_tables):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        cursor.execute("DELETE FROM huleedu_erasure")
        for table in model_tables:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM copy_{table}")  # noqa: S608


@pytest.mark.parametrize("source", ["the store", "a file"])
def test_after_a_restored_backup_what_was_erased_is_erased_again(
    pipeline: Pipeline, teacher: User, make_essay: Essays, tmp_path: Path, content_folder: Path, source: str
) -> None:
    batch = pipeline.register(teacher, 2)
    gone = pipeline.upload(batch, make_essay(1), "Astrid.txt")
    stays = pipeline.upload(batch, make_essay(2), "Beatrice.txt")
    pipeline.run()
    copies(TABLES)
    bytes_of = {path: path.read_bytes() for path in content_folder.rglob("*") if path.is_file()}
    removing.remove(gone)
    Erasure.objects.update(due_at="2020-01-01T00:00Z")
    Timer.objects.filter(kind="erase").update(due_at="2020-01-01T00:00Z")
    pipeline.run()
    assert FileUpload.objects.get(pk=gone.pk).filename == ""
    ledger = tmp_path / "ledger.jsonl"
    assert "1 erasures written" in said("repeat_erasures", "--export", str(ledger))
    restored(TABLES)
    for path, data in bytes_of.items():
        path.write_bytes(data)
    if source == "a file":
        for note in (content_folder / "erasures").iterdir():
            note.unlink()
    words = ("--ledger", str(ledger)) if source == "a file" else ()
    assert "1 erasures repeated" in said("repeat_erasures", *words)
    pipeline.run()
    row = FileUpload.objects.get(pk=gone.pk)
    assert (row.status, row.filename, row.raw_storage_id) == ("removed", "", None)
    assert FileUpload.objects.get(pk=stays.pk).filename == "Beatrice.txt"
    assert StoredContent.objects.count() == 2
    assert "1 erasures repeated" in said("repeat_erasures"), "done twice it changes nothing"


def test_whoever_got_the_number_of_an_erased_account_is_left_alone(
    pipeline: Pipeline, teacher: User, colleague: User
) -> None:
    """A restored database gives numbers out again."""
    batch = pipeline.register(colleague, 1)
    Erasure.objects.create(
        kind="account",
        owner_id=colleague.pk,
        asked_at=colleague.date_joined - timedelta(days=1),
        due_at=colleague.date_joined,
        begun_at=colleague.date_joined,
        ended_at=colleague.date_joined,
    )
    assert "1 erasures repeated" in said("repeat_erasures")
    assert User.objects.filter(pk=colleague.pk).exists() and Batch.objects.get() == batch
