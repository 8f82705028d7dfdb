"""Which PostgreSQL runs: the distribution's before the embedded one, and only one that fits the data."""

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from huleedu.embedded import PostgresServer, running
from huleedu.machine import places, postgres_choice, programs
from huleedu.machine.places import InstallationError
from huleedu.machine.postgres_choice import Postgres, choose

Install = Callable[[str], Path]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own, on which no PostgreSQL is installed yet."""
    folder = tmp_path / "usr"
    monkeypatch.setattr(postgres_choice, "FOLDERS", (f"{folder}/lib/postgresql/*/bin",))
    monkeypatch.setattr(postgres_choice, "SEARCHED", f"{folder}/bin")
    monkeypatch.setenv("PATH", str(folder / "path"))
    monkeypatch.delenv("HULEEDU_POSTGRES", raising=False)
    return folder


def program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def stand_in(folder: Path, version: str, *, said: str = "") -> Path:
    program(folder / "postgres", said or f"postgres (PostgreSQL) {version} (Debian {version}-0+deb12u1)")
    program(folder / "initdb", "")
    return folder


@pytest.fixture
def install(machine: Path) -> Install:
    """Puts a stand-in for a PostgreSQL where Debian has it."""
    return lambda version: stand_in(machine / "lib" / "postgresql" / version.split(".")[0] / "bin", version)


def chosen(tmp_path: Path, *, throwaway: bool = False) -> Postgres:
    return choose(tmp_path / "home", None, throwaway=throwaway)


def test_without_one_of_the_distribution_the_embedded_one_runs_and_says_what_it_is_for(
    tmp_path: Path,
) -> None:
    found = chosen(tmp_path)
    assert found.embedded
    assert found.major == 18
    assert "for trying HuleEdu" in str(found)
    assert "apt install postgresql" in str(found)


def test_the_newest_of_the_distribution_comes_first(tmp_path: Path, install: Install) -> None:
    for version in ("15.18", "17.12", "16.9"):
        install(version)
    found = chosen(tmp_path)
    assert (found.version, found.embedded) == ("17.12", False)
    assert str(found) == f"PostgreSQL 17.12 runs, from {found.programs}."


@pytest.mark.parametrize("said", [
    "postgres (PostgreSQL) 14.23 (Debian 14.23-0)", "postgres (PostgreSQL) 19beta2",
    "postgres (PostgreSQL) 20devel", "nonsense", "",
])  # fmt: skip
def test_what_is_too_old_or_not_released_is_passed_over(tmp_path: Path, machine: Path, said: str) -> None:
    stand_in(machine / "lib" / "postgresql" / "99" / "bin", "", said=said or " ")
    assert chosen(tmp_path).embedded


def test_half_of_one_is_passed_over(tmp_path: Path, install: Install) -> None:
    (install("15.18") / "initdb").unlink()
    assert chosen(tmp_path).embedded


def test_one_that_only_pg_config_knows_is_found(tmp_path: Path, machine: Path) -> None:
    stand_in(machine / "elsewhere", "16.9")
    program(machine / "path" / "pg_config", str(machine / "elsewhere"))
    assert chosen(tmp_path).programs == machine / "elsewhere"


def test_one_that_is_named_is_the_one(
    tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("15.18")
    install("17.12")
    monkeypatch.setenv("HULEEDU_POSTGRES", str(folder))
    assert (chosen(tmp_path).version, chosen(tmp_path, throwaway=True).version) == ("15.18", "15.18")
    monkeypatch.setenv("HULEEDU_POSTGRES", "embedded")
    assert chosen(tmp_path).embedded
    monkeypatch.setenv("HULEEDU_POSTGRES", str(tmp_path))
    with pytest.raises(InstallationError, match="HULEEDU_POSTGRES must be 'embedded' or a folder"):
        chosen(tmp_path)


def test_tests_run_on_the_same_everywhere(tmp_path: Path, install: Install) -> None:
    install("17.12")
    assert chosen(tmp_path, throwaway=True).embedded


def test_data_keeps_its_major_version(tmp_path: Path, install: Install) -> None:
    for version in ("15.18", "17.12"):
        install(version)
    (tmp_path / "home" / "15").mkdir(parents=True)
    assert chosen(tmp_path).version == "15.18"
    (tmp_path / "home" / "17").mkdir()
    assert chosen(tmp_path).version == "17.12", "what it was moved to"


def test_data_of_the_embedded_one_stays_with_it(tmp_path: Path, install: Install) -> None:
    install("15.18")
    (tmp_path / "home" / "18").mkdir(parents=True)
    assert chosen(tmp_path).embedded
    install("18.7")
    assert (chosen(tmp_path).version, chosen(tmp_path).embedded) == ("18.7", False)


def test_data_without_its_server_is_not_opened_by_another(tmp_path: Path, install: Install) -> None:
    install("17.12")
    (tmp_path / "home" / "15").mkdir(parents=True)
    with pytest.raises(InstallationError) as refused:
        chosen(tmp_path)
    for words in ("is of PostgreSQL 15", "17.12, 18.", "apt install postgresql-15", "docs/operations.md"):
        assert words in str(refused.value)


def test_a_half_made_folder_is_no_data(tmp_path: Path, install: Install) -> None:
    install("15.18")
    (tmp_path / "home" / "18.partial").mkdir(parents=True)
    assert chosen(tmp_path).version == "15.18"


@pytest.mark.live
def test_data_is_not_touched_by_the_start_that_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    var = tmp_path / "var"
    account = places.service_account()
    places.make_state_folder(var, account)
    places.make_server_folder(var, "postgres", account)
    data = PostgresServer(var).home / "16"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(InstallationError, match="is of PostgreSQL 16"):
        PostgresServer(var).prepare()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]
    assert [path.name for path in PostgresServer(var).home.iterdir()] == ["16"]


def real(account: programs.Account | None) -> list[Path]:
    """Real servers to try: Debian's, where there is one, and the embedded one in another's place."""
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if postgres_choice.version_in(path)]
    return [*debian, places.binaries(account).postgres]


@pytest.mark.live
@pytest.mark.parametrize("number", [0, 1])
def test_a_named_one_serves_and_its_role_may_do_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    found = real(places.service_account())
    if number >= len(found):
        pytest.skip("there is no second PostgreSQL on this machine")
    monkeypatch.setenv("HULEEDU_POSTGRES", str(found[number]))
    monkeypatch.setenv("PATH", os.defpath)
    for parent in (tmp_path, tmp_path.parent):
        parent.chmod(0o711)
    places.make_state_folder(tmp_path / "var", places.service_account())
    server = PostgresServer(tmp_path / "var")
    with running(server) as url, psycopg.connect(url, autocommit=True) as connection:
        [row] = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('fsync'), upper('å'),"
            " rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
        assert row == (server.choice().major, "on", "Å", False, False, False, False, False)
        for statement in ("CREATE DATABASE other", "CREATE ROLE other", "ALTER ROLE huleedu SUPERUSER"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.live
def test_a_role_of_an_older_release_loses_its_right(tmp_path: Path) -> None:
    for parent in (tmp_path, tmp_path.parent):
        parent.chmod(0o711)
    places.make_state_folder(tmp_path / "var", places.service_account())
    server = PostgresServer(tmp_path / "var")
    with running(server), server._administrator() as connection:
        connection.execute("ALTER ROLE huleedu CREATEDB CREATEROLE")
    with running(server) as url, psycopg.connect(url, autocommit=True) as connection:
        for statement in ("CREATE DATABASE other", "CREATE ROLE other"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
