"""The note that lets a start go without migrating: it holds for this code, this database and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from huleedu.machine import migrated
from huleedu.machine.heartbeat import Asking
from huleedu.web.static_files import HashedFiles
from tests.faults.ending import database_address

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asking(teacher: User) -> Iterator[Asking]:
    """A session on the test's database, which has an account."""
    with closing(Asking(database_address())) as found:
        yield found


def collected(folder: Path, made_from: str = "one") -> None:
    """What a start leaves that collects static files in ``folder``, as far as the next one looks at it."""
    folder.mkdir(exist_ok=True)
    (folder / migrated.MANIFEST).write_text("{}")
    (folder / migrated.STAMP).write_text(made_from)
    (folder.parent / migrated.FITTING).write_text(made_from)


@pytest.fixture
def noted(asking: Asking, tmp_path: Path) -> Path:
    """A state folder with the note of a migration."""
    assert not migrated.is_noted(tmp_path, asking)
    collected(tmp_path / "static")
    migrated.note(tmp_path, asking)
    assert migrated.is_noted(tmp_path, asking)
    return tmp_path


def test_changed_code_is_not_noted(noted: Path, asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    before = migrated.code()
    (noted / "huleedu").mkdir()
    (noted / "requirements.txt").touch()
    monkeypatch.setattr(migrated, "BASE_DIR", noted)
    assert migrated.code() != before
    assert not migrated.is_noted(noted, asking)
    (noted / "huleedu" / "more.py").touch()
    first = migrated.code()
    (noted / "huleedu" / "more.py").write_text("other")
    assert migrated.code() != first


def test_changed_static_files_are_not_noted(
    noted: Path, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout in which nothing but a script or a style sheet is another one."""
    checkout = noted / "checkout"
    script = checkout / "files" / "static" / "files" / "page.js"
    script.parent.mkdir(parents=True)
    script.write_text("one")
    (checkout / "requirements.txt").touch()
    monkeypatch.setattr(migrated, "BASE_DIR", checkout)
    migrated.note(noted, asking)
    assert migrated.is_noted(noted, asking)
    script.write_text("another")
    assert not migrated.is_noted(noted, asking)


@pytest.mark.parametrize("name", [migrated.STAMP, migrated.MANIFEST])
def test_static_files_that_are_not_whole_are_not_noted(noted: Path, asking: Asking, name: str) -> None:
    (noted / "static" / name).unlink()
    assert not migrated.is_noted(noted, asking)
    migrated.note(noted, asking)
    assert not migrated.is_noted(noted, asking), "the next start tries again"


def test_static_files_of_another_checkout_are_not_noted(noted: Path, asking: Asking) -> None:
    (noted / "static" / migrated.STAMP).write_text("another")
    assert not migrated.is_noted(noted, asking)


def test_static_files_that_could_not_be_made_anew_are_not_noted(noted: Path, asking: Asking) -> None:
    """The stamp is there, but of the release before: the folder cannot be written."""
    (noted / migrated.FITTING).unlink()
    migrated.note(noted, asking)
    assert not migrated.is_noted(noted, asking)


def test_another_static_folder_is_not_noted(
    noted: Path, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = noted / "elsewhere"
    monkeypatch.setenv("HULEEDU_STATIC", str(elsewhere))
    assert not migrated.is_noted(noted, asking)
    collected(elsewhere, "another")
    migrated.note(noted, asking)
    assert migrated.is_noted(noted, asking)


def test_the_names_are_those_of_the_collection() -> None:
    storage = HashedFiles()
    assert (storage.stamp().name, storage.manifest_name) == (migrated.STAMP, migrated.MANIFEST)


def test_a_database_with_other_migrations_is_not_noted(noted: Path, asking: Asking) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('huleedu', '9999_x', now())"
        )
        try:
            assert not migrated.is_noted(noted, asking)
        finally:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_x'")
    assert migrated.is_noted(noted, asking)


def test_a_database_without_accounts_is_not_noted(noted: Path, asking: Asking) -> None:
    User.objects.all().delete()
    assert not migrated.is_noted(noted, asking)
    migrated.note(noted, asking)
    assert not migrated.is_noted(noted, asking)


@pytest.mark.parametrize("text", ["", "null", "[]", '["half'])
def test_a_damaged_note_is_none(noted: Path, asking: Asking, text: str) -> None:
    (noted / migrated.NOTE).write_text(text)
    assert not migrated.is_noted(noted, asking)


def test_a_database_that_is_away_is_not_noted(noted: Path) -> None:
    assert not migrated.is_noted(noted, Asking("host=127.0.0.1 port=1 dbname=none"))


def test_the_code_alone_is_noted_while_the_database_is_away(
    noted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert migrated.is_code_noted(noted)
    monkeypatch.setattr(migrated, "code", lambda: "another")
    assert not migrated.is_code_noted(noted)


@pytest.mark.parametrize("damaged", ["", "null", "{}", "[]", '["one"]'])
def test_a_note_that_says_nothing_notes_no_code(noted: Path, damaged: str) -> None:
    (noted / migrated.NOTE).write_text(damaged)
    assert not migrated.is_code_noted(noted)
