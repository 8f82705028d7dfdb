"""What ``make run`` decides: ports, what each child is told, and what commands find of the installation."""

import socket
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from huleedu import run
from huleedu.embedded import installed_environment
from huleedu.machine import heartbeat, log_files, places
from huleedu.machine.heartbeat import Asking, RelayWatch
from huleedu.machine.latch import VARIABLE, Latch
from huleedu.machine.places import InstallationError
from huleedu.models import RelayPresence
from huleedu.postgres.presence import process_name

NAMES = ["web", "relay", "steps", "standby"]
ENVIRONMENT = {"HULEEDU_VAR": "/var/example", "DATABASE_URL": "postgresql://"}


def test_a_busy_port_is_said_plainly() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InstallationError, match=f"HULEEDU_PORT={port + 1}"):
            run.check_port("127.0.0.1", port)
    run.check_port("127.0.0.1", port)


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "-1"])
def test_a_wrong_port_is_refused_before_anything_starts(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HULEEDU_PORT", port)
    monkeypatch.setenv("HULEEDU_VAR", str(tmp_path / "var"))
    assert run.main() == 2
    assert "from 1 to 65535" in capsys.readouterr().out
    assert not (tmp_path / "var").exists()


def test_every_child_knows_its_name_and_clusters_their_queue() -> None:
    programs = [
        child.prepare() for child in run.application_children(ENVIRONMENT, "127.0.0.1", 8000, Latch())
    ]
    assert [program.name for program in programs] == NAMES
    assert [program.environment["HULEEDU_PROCESS"] for program in programs] == NAMES
    clusters = [program.environment.get("Q_CLUSTER_NAME") for program in programs]
    assert clusters == [None, "relay", "steps", None]
    assert "127.0.0.1" in programs[0].command


def relay_seen(program: str, role: str, seconds_ago: int) -> bool:
    RelayPresence.objects.all().delete()
    RelayPresence.objects.create(name=process_name(program), role=role)
    RelayPresence.objects.update(seen_at=timezone.now() - timedelta(seconds=seconds_ago))
    parameters = connection.get_connection_params()
    names = ("user", "password", "host", "dbname")
    with closing(Asking(make_conninfo(**{name: parameters[name] for name in names}))) as asking:
        return RelayWatch(asking).of("relay")()


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_signs_in_no_more_is_hung() -> None:
    assert relay_seen("relay", "relay", 1)
    assert not relay_seen("relay", "relay", 20)
    assert relay_seen("relay", "standby", 30)
    assert not relay_seen("relay", "standby", 60)


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_relay_left_behind_does_not_hide_a_hung_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert relay_seen("relay", "standby", 1)
    monkeypatch.setattr(heartbeat, "process_facts", lambda _pid: None)
    assert not relay_seen("relay", "standby", 1)


@pytest.mark.django_db(transaction=True)
def test_another_relay_that_leads_does_not_hide_a_hung_one() -> None:
    assert not relay_seen("standby", "relay", 1)


def test_a_database_that_is_away_says_nothing_about_the_relay(tmp_path: Path) -> None:
    assert RelayWatch(Asking(f"host={tmp_path} dbname=none")).of("relay")()


def test_a_full_log_is_cut_and_its_text_kept_once(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("a") as file:
        for text in ("a" * 101, "b" * 50):
            file.write(text)
            file.flush()
            log_files.rotate(tmp_path, 100)
    assert log.read_text() == "b" * 50
    assert (tmp_path / "web.log.1").read_text() == "a" * 101
    assert stat.S_IMODE((tmp_path / "web.log.1").stat().st_mode) == 0o600


def test_commands_find_nothing_where_nothing_is_installed(tmp_path: Path) -> None:
    assert installed_environment(tmp_path / "var") == {}


def test_commands_find_the_key_of_an_installation(tmp_path: Path) -> None:
    places.make_state_folder(tmp_path / "var", None)
    assert "SECRET_KEY" not in installed_environment(tmp_path / "var"), "a command makes none"
    key = places.secret(tmp_path / "var", "secret-key")
    found = installed_environment(tmp_path / "var")
    assert found["SECRET_KEY"] == key
    assert "DATABASE_URL" not in found


def test_children_load_behind_the_latch_and_later_ones_find_it_open() -> None:
    latch = Latch()
    *children, standby = run.application_children(ENVIRONMENT, "127.0.0.1", 8000, latch)
    held = [VARIABLE in child.prepare().environment for child in (*children, standby)]
    assert held == [True, True, True, False], "the standby is started when the others work"
    assert all(child.prepare().descriptors == latch.descriptors for child in children)
    latch.open()
    again = [child.prepare() for child in children]  # as for one that has died
    assert not any(VARIABLE in program.environment or program.descriptors for program in again)
