"""Commands that bring the small installation's database with them."""

import os
from pathlib import Path

import psycopg
import pytest

from huleedu import embedded
from huleedu.backup import at_rest
from huleedu.machine import places, programs
from huleedu.machine.places import InstallationError

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that nobody uses, and no other database named."""
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setattr(at_rest, "leave_in_order", lambda: None)
    monkeypatch.setattr(at_rest.Started, "here", False)
    return tmp_path / "var"


@pytest.mark.parametrize("command", ["verify_store", "backup", "move_database", "restore --check"])
def test_where_nothing_is_nothing_is_made(var: Path, command: str) -> None:
    with at_rest.database_for(command, var):
        assert "DATABASE_URL" not in os.environ
    assert not var.exists()


def test_a_named_database_is_taken(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    with at_rest.database_for("restore", var):
        assert os.environ["DATABASE_URL"] == "postgresql://elsewhere/db"
    assert not var.exists()


def test_the_database_is_started_for_as_long_as_it_is_needed(var: Path) -> None:
    with at_rest.database_for("restore", var):
        url = os.environ.pop("DATABASE_URL")
        with psycopg.connect(url) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)
        assert at_rest.Started.here
        with pytest.raises(InstallationError, match="HuleEdu runs with the folder"), embedded.kept(var):
            pass
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_beside_what_runs_only_a_backup_works(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places.make_state_folder(var, None)
    (var / "postgres" / "18").mkdir(parents=True)
    lock = programs.try_lock(var / "run")
    assert lock is not None
    try:
        with at_rest.database_for("backup", var):
            assert "DATABASE_URL" not in os.environ
        with (
            pytest.raises(InstallationError, match="Stop it first"),
            at_rest.database_for("move_database", var),
        ):
            pass
    finally:
        os.close(lock)
