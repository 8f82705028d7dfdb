"""Moving the database, and that the one that was left is not served by mistake."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from huleedu import embedded
from huleedu.backup import postgres_tools
from huleedu.backup.backups import BEGIN, HERE, count_rows, one
from huleedu.backup.postgres_tools import Address
from huleedu.embedded import PostgresServer
from tests.huleedu.backing_up import Place, empty_place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]
OLDER = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    """A place with tables and an account, and an empty one."""
    with empty_place(tmp_path / "left") as left, empty_place(tmp_path / "entered") as entered:
        assert left.manage("migrate").returncode == 0
        with left.connect() as database:
            database.execute(
                "INSERT INTO huleedu_installation (id, identity, key, former_key, store_marked)"
                " VALUES (1, gen_random_uuid(), '', '', false)"
            )
        yield left, entered


def move(source: Place, target: Place, **variables: str) -> tuple[int, str]:
    """Move; the exit code and what was said."""
    done = source.manage("move_database", HULEEDU_NEW_DATABASE_URL=target.database, **variables)
    return done.returncode, done.stdout + done.stderr


def test_there_and_back_and_what_was_left_refuses(two: tuple[Place, Place]) -> None:
    left, entered = two
    code, said = move(left, entered, HULEEDU_FAILPOINT="move.after_database:kill9")
    assert code == -9, said
    for place, words in (
        (left, "This database is being moved to "),
        (entered, "HuleEdu's database is being moved into this one, or was not moved to its end"),
    ):
        refused = place.manage("migrate")
        assert (refused.returncode, words in refused.stderr) == (78, True), refused
    code, said = move(left, entered)
    assert code == 0, said
    name = Address.from_url(entered.database).words["dbname"]
    refused = left.manage("relay", HULEEDU_PROCESS="standby")
    assert refused.returncode == 78
    assert "This database was left at " in refused.stderr
    assert f"since then HuleEdu keeps everything in {name} at " in refused.stderr
    password = Address.from_url(entered.database).words["password"]
    assert password not in refused.stderr + said
    assert entered.manage("migrate").returncode == 0
    code, said = move(entered, left)
    assert code == 0, said
    assert left.manage("migrate").returncode == 0
    assert "This database was left at " in entered.manage("migrate").stderr


def test_nothing_is_moved_over_what_is_there(two: tuple[Place, Place]) -> None:
    left, entered = two
    with entered.connect() as database:
        database.execute("CREATE TABLE theirs (id int)")
    code, said = move(left, entered)
    assert code == 2 and "Nothing was moved. The database to move to is not empty" in said
    assert left.manage("migrate").returncode == 0
    with left.connect() as database:
        database.execute("INSERT INTO huleedu_relaypresence (name, role) VALUES ('web-here-1', 'web')")
    with entered.connect() as database:
        database.execute("DROP TABLE theirs")
    code, said = move(left, entered)
    assert code == 2 and "Stop all processes first; then wait two minutes" in said
    assert "Seen: web-here-1." in said


@pytest.mark.skipif(not OLDER.is_dir(), reason="PostgreSQL 15 is not installed")
def test_an_older_server_understands_a_newer_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the embedded database to the one of the distribution."""
    source = Address.of_django()
    with embedded.throwaway_folder() as var:
        monkeypatch.setenv("HULEEDU_POSTGRES", str(OLDER))
        with embedded.running(PostgresServer(var, durable=False)) as url, source.connect() as database:
            target = Address.from_url(url)
            database.execute(BEGIN)
            snapshot = one(database, HERE)[0]
            rows = count_rows(database)
            tools = postgres_tools.fitting(postgres_tools.major_of(source))
            postgres_tools.load(tools, target, postgres_tools.dump(tools, source, snapshot))
            with target.connect() as moved:
                assert moved.info.server_version // 10_000 == 15
                assert count_rows(moved) == rows


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        postgres_tools.ToolFailed, match=r"PostgreSQL 99 or later are needed; here are those of"
    ):
        postgres_tools.fitting(99)


def test_what_a_program_says_is_told_without_a_password() -> None:
    nowhere = Address({**Address.of_django().words, "dbname": "nowhere"})
    tools = postgres_tools.fitting(postgres_tools.major_of(Address.of_django()))
    with pytest.raises(postgres_tools.ToolFailed, match=r'pg_dump failed.*"nowhere" does not exist') as told:
        list(postgres_tools.dump(tools, nowhere, "00000000-1"))
    assert nowhere.words["password"] not in str(told.value)


def test_half_a_dump_changes_nothing() -> None:
    """What stops in the middle must not read as if it had come to its end."""

    def half() -> Iterator[bytes]:
        yield b"PGDMP"
        raise OSError("the disk is gone")

    address = Address.of_django()
    with pytest.raises(OSError, match="the disk is gone"):
        postgres_tools.load(postgres_tools.fitting(postgres_tools.major_of(address)), address, half())
