"""Code and tables of different releases are told apart, and what to run is said."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from huleedu.failures.errors import Unfit
from huleedu.postgres.database_schema import applied_migrations, check_schema, known_migrations

pytestmark = pytest.mark.django_db


def test_what_fits_is_described_alike_every_time() -> None:
    assert applied_migrations() == known_migrations()
    assert check_schema() == check_schema()


def test_older_code_is_told_what_the_database_knows_more() -> None:
    before = check_schema()
    recorder = MigrationRecorder(connection)
    recorder.record_applied("huleedu", "0999_of_the_future")
    recorder.record_applied("pupils", "0001_initial")
    with pytest.raises(
        Unfit, match=r"not know \(huleedu\.0999_of_the_future, pupils\.0001_initial\).*newer HuleEdu"
    ):
        check_schema()
    recorder.record_unapplied("huleedu", "0999_of_the_future")
    recorder.record_unapplied("pupils", "0001_initial")
    assert check_schema() == before


def test_newer_code_says_what_to_run() -> None:
    newest = max(name for app, name in known_migrations() if app == "huleedu")
    MigrationRecorder(connection).record_unapplied("huleedu", newest)
    with pytest.raises(
        Unfit, match=rf"lacks migrations of this code \(huleedu\.{newest}\).*python manage.py migrate"
    ):
        check_schema()


def test_many_are_counted() -> None:
    MigrationRecorder(connection).migration_qs.all().delete()
    with pytest.raises(Unfit, match=r"and \d+ more\).*python manage.py migrate"):
        check_schema()


def test_migrations_that_were_replaced_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from huleedu.migrations import __path__ as folder  # a squashed migration stands for those it replaces

    assert folder
    module = __import__("huleedu.migrations.0001_initial", fromlist=["Migration"])
    monkeypatch.setattr(module.Migration, "replaces", [("huleedu", "0000_before")])
    MigrationRecorder(connection).record_applied("huleedu", "0000_before")
    assert check_schema()
