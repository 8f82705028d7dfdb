"""The embedded servers: durable, private, recoverable after any kill, several side by side."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from huleedu import embedded
from huleedu.embedded import PostgresServer, ValkeyServer, running, throwaway
from huleedu.machine import places, programs
from huleedu.machine.places import InstallationError

pytestmark = pytest.mark.live
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="concerns a start by root")


@pytest.fixture
def var() -> Iterator[Path]:
    """A state folder as ``make run`` makes it, with its parent open to other users."""
    parent = Path(tempfile.mkdtemp(prefix="huleedu-test-"))
    parent.chmod(0o711)
    places.make_state_folder(parent / "var", places.service_account())
    yield parent / "var"
    shutil.rmtree(parent)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def socket_folder(url: str) -> Path:
    return Path(unquote(url.partition("@")[2].partition("/")[0]))


def postgres_processes(server: PostgresServer) -> list[int]:
    return programs.processes_inside(server.data, "postgres")


def test_postgres_is_the_one_that_was_chosen_and_durable(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        [row] = execute(
            url,
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('fsync'),"
            " current_setting('synchronous_commit'), current_setting('full_page_writes'),"
            " current_setting('server_encoding'), upper('å'), current_setting('listen_addresses')",
        )
    assert row == (server.choice().major, "on", "on", "on", "UTF8", "Å", "")
    assert server.data.name == str(server.choice().major)


def test_a_server_that_recovers_from_a_crash_is_not_disturbed_by_questions(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        execute(url, "CREATE TABLE mark (id int)")
        for pid in postgres_processes(server):
            programs.send(pid, signal.SIGKILL)
    with running(server) as url:
        [(how,)] = execute(url, "SHOW recovery_init_sync_method")
    text = (var / "logs" / "postgres.log").read_text()
    assert "automatic recovery in progress" in text
    assert "FATAL" not in text
    assert how == "syncfs", "flushing each file of the folder takes seconds"


def test_the_application_role_is_no_superuser_but_owns_its_database(var: Path) -> None:
    with running(PostgresServer(var)) as url:
        assert execute(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        execute(url, "CREATE TABLE public.mark (id int)")


def test_a_wrong_password_is_refused(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        wrong = url.replace(places.secret(var, "database"), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_secrets_and_data_are_private(var: Path) -> None:
    with running(PostgresServer(var)), running(ValkeyServer(var)):
        folders = [
            PostgresServer(var).data,
            ValkeyServer(var).home,
            var / "secrets",
            var / "logs",
            var / "run",
        ]
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
        files = [*(var / "secrets").iterdir(), ValkeyServer(var).home / "valkey.conf"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert not stat.S_IMODE(var.stat().st_mode) & 0o007


@as_root
def test_root_runs_the_servers_as_the_service_user(var: Path) -> None:
    with running(PostgresServer(var)), running(ValkeyServer(var)):
        pids = [*postgres_processes(PostgresServer(var))]
        pids += programs.processes_inside(ValkeyServer(var).home, "valkey-server")
        assert len(pids) > 2
        assert 0 not in {Path(f"/proc/{pid}").stat().st_uid for pid in pids}


def test_committed_rows_survive_a_killed_postmaster(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        execute(url, "CREATE TABLE mark (id int)")
        execute(url, "INSERT INTO mark SELECT generate_series(1, 100)")
        for pid in postgres_processes(server):
            programs.send(pid, signal.SIGKILL)
    assert (server.data / "postmaster.pid").exists()
    with running(server) as url:
        assert execute(url, "SELECT count(*) FROM mark") == [(100,)]


def test_a_lock_file_naming_another_living_process_is_stale(var: Path) -> None:
    server = PostgresServer(var)
    with running(server):
        pass
    lock = server.data / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{server.data}\n0\n5432\n")
    with running(server) as url:
        assert execute(url, "SELECT 1") == [(1,)]
    assert programs.process_facts(os.getppid())


def test_a_leftover_server_of_the_same_folder_is_stopped_first(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        execute(url, "CREATE TABLE mark (id int)")
        leftover = set(postgres_processes(server))
        with running(server) as again:
            assert not leftover & set(postgres_processes(server))
            assert execute(again, "SELECT count(*) FROM mark") == [(0,)]


def test_a_start_killed_while_creating_the_data_begins_anew(var: Path) -> None:
    server = PostgresServer(var)
    places.make_server_folder(var, "postgres", places.service_account())
    partial = var / "postgres" / f"{server.choice().major}.partial"
    partial.mkdir()
    (partial / "PG_VERSION").write_text("half\n")
    with running(server) as url:
        assert execute(url, "SELECT 1") == [(1,)]
    assert not partial.exists()


def test_a_start_killed_before_the_database_was_created_goes_on(var: Path) -> None:
    server = PostgresServer(var)
    with running(server), server._administrator() as connection:
        connection.execute("DROP DATABASE huleedu")
        connection.execute("ALTER ROLE huleedu PASSWORD NULL")
    with running(server) as url:
        assert execute(url, "SELECT 1") == [(1,)]


def test_a_stopped_postmaster_counts_as_hung(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ANSWER_SECONDS", 0.2)
    server = PostgresServer(var)
    with running(server):
        assert server.alive()
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        assert not server.alive()
        os.kill(postmaster, signal.SIGCONT)
    assert not server.alive()


def test_a_path_too_long_for_sockets_works(var: Path) -> None:
    long = var.parent / ("long" * 20) / "var"
    long.parent.mkdir(mode=0o711)
    places.make_state_folder(long, places.service_account())
    sockets = places.socket_folder(PostgresServer(long).home)
    assert sockets != PostgresServer(long).home
    with running(PostgresServer(long)) as database, running(ValkeyServer(long)) as url:
        assert execute(database, "SELECT 1") == [(1,)]
        with redis.Redis.from_url(url) as client:
            assert client.ping()
    for folder in (sockets, places.socket_folder(ValkeyServer(long).home)):
        shutil.rmtree(folder)


@as_root
def test_a_folder_only_root_can_enter_keeps_its_data_elsewhere(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = var.parent / "outside"
    monkeypatch.setattr(places, "SERVICE_FOLDER", outside)
    var.chmod(0o700)
    server = PostgresServer(var)
    with running(server) as url:
        execute(url, "CREATE TABLE mark (id int)")
    assert server.data.is_relative_to(outside)
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    with running(server) as url:
        assert execute(url, "SELECT count(*) FROM mark") == [(0,)]


def test_a_link_to_data_that_is_gone_is_said_plainly(var: Path) -> None:
    (var / "postgres").symlink_to(var / "gone")
    with pytest.raises(InstallationError, match="which is gone"):
        PostgresServer(var).prepare()


def test_copied_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SERVICE_FOLDER", tmp_path)
    packages = places._packages()
    copied = [places._inside(places._copied(packages)) for _ in range(2)]
    assert copied[0] == copied[1]
    assert copied[0].postgres.is_relative_to(tmp_path)
    for program in (copied[0].postgres / "initdb", copied[0].postgres / "postgres", copied[0].valkey):
        assert subprocess.run([program, "--version"], capture_output=True).returncode == 0


def test_valkey_asks_for_its_password_and_keeps_nothing(var: Path) -> None:
    server = ValkeyServer(var)
    with running(server) as url:
        stranger = redis.Redis(unix_socket_path=str(server.socket), retry=Retry(NoBackoff(), 0))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(url) as client:
            assert client.set("key", "value")
    with running(server) as url, redis.Redis.from_url(url) as client:
        assert client.get("key") is None


def test_two_folders_run_side_by_side(var: Path) -> None:
    other = var.parent / "other"
    places.make_state_folder(other, places.service_account())
    with running(PostgresServer(var)) as one, running(PostgresServer(other)) as two:
        execute(one, "CREATE TABLE mark (id int)")
        assert execute(two, "SELECT to_regclass('mark')") == [(None,)]


def test_throwaway_servers_leave_nothing() -> None:
    with throwaway() as servers:
        assert execute(servers.database_url, "SHOW fsync") == [("off",)]
        folder = socket_folder(servers.database_url)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        assert folder.exists()
    assert not folder.parent.exists()


def wrapper(*command: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    arguments = [sys.executable, "-m", "huleedu.embedded", "--", *command]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, cwd=programs.BASE_DIR, env=environment
    )


def test_the_wrapper_runs_a_command_and_passes_its_exit_code_on() -> None:
    with wrapper("sh", "-c", 'echo "$DATABASE_URL $REDIS_URL"; exit 7') as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 7
    assert output.startswith("postgresql://huleedu:")
    assert "unix://" in output


def test_a_killed_wrapper_leaves_nothing_running() -> None:
    with wrapper("sh", "-c", 'echo "$DATABASE_URL"; exec sleep 20 >&-') as process:
        url = process.stdout.readline().strip() if process.stdout else ""
        home = socket_folder(url)
        data = home / "18"
        assert programs.processes_inside(data, "postgres")
        process.kill()
    assert programs.wait_until(lambda: not programs.processes_inside(data, "postgres"), 10)
    assert programs.wait_until(lambda: not home.parent.exists(), 10)


def keeping(var: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    arguments = [sys.executable, "-m", "huleedu.embedded", "--kept", "--", *command]
    return subprocess.run(
        arguments,
        cwd=programs.BASE_DIR,
        env={**environment, "HULEEDU_VAR": str(var)},
        capture_output=True,
        text=True,
    )


def test_a_command_may_have_the_database_of_an_installation_that_is_stopped(var: Path) -> None:
    server = PostgresServer(var)
    with running(server) as url:
        execute(url, "CREATE TABLE mark (id int)")
    done = keeping(var, "sh", "-c", 'echo "$DATABASE_URL"')
    assert done.stdout.strip() == url, done.stderr
    lock = programs.try_lock(var / "run")
    assert lock
    refused = keeping(var, "true")
    assert refused.returncode == 1
    assert f"HuleEdu runs with the folder {var}. Stop it first." in refused.stderr
    os.close(lock)
    with running(server) as url:
        assert execute(url, "SELECT count(*) FROM mark") == [(0,)]


def test_a_secret_is_made_once(var: Path) -> None:
    first = places.secret(var, "example")
    assert len(first) >= 50
    assert places.secret(var, "example") == first
