"""The first accounts and ``create_account``: made once, private, safe when killed in between."""

import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from pytest_django import Settings

from huleedu.accounts.life import random_password
from huleedu.machine.migrated import FITTING
from huleedu.management.commands import first_start
from huleedu.web.static_files import made_from

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "first-sign-in.txt"


def run() -> str:
    output = StringIO()
    call_command("first_start", stdout=output)
    return output.getvalue()


def test_first_start_makes_an_account_for_each_role(file: Path) -> None:
    assert str(file) in run()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [line.split(" ") for line in file.read_text().splitlines()]
    assert [line[0] for line in lines] == ["teacher", "support"]
    teacher, support = (authenticate(username=name, password=password) for _role, name, password in lines)
    assert teacher
    assert support
    assert (teacher.is_staff, support.is_staff, support.is_superuser) == (False, True, False)
    assert [group.name for group in support.groups.all()] == ["support"]


def test_later_starts_make_none(file: Path) -> None:
    run()
    before = file.read_text()
    assert run() == ""
    assert file.read_text() == before
    assert get_user_model().objects.count() == 2


def test_a_start_killed_after_the_file_keeps_its_passwords(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(first_start, "create_account", killed)
        with pytest.raises(KeyboardInterrupt):
            run()
    written = file.read_text()
    run()
    assert file.read_text() == written
    _role, username, password = written.splitlines()[0].split()
    assert authenticate(username=username, password=password)


def test_a_spoilt_file_is_written_anew(file: Path) -> None:
    file.write_text("teacher teacher\n")
    run()
    assert len(file.read_text().splitlines()) == 2


def test_static_files_are_told_to_fit_only_when_they_do(
    file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATIC_ROOT = file.parent / "static"
    run()
    fitting = file.parent / FITTING
    assert fitting.read_text() == made_from()

    def full() -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(first_start, "collect", full)
    run()
    assert not fitting.exists()


@pytest.mark.parametrize(("role", "staff"), [("teacher", False), ("support", True)])
def test_create_account_prints_the_password(role: str, staff: bool) -> None:
    output = StringIO()
    call_command("create_account", role, "anna", stdout=output)
    user = authenticate(username="anna", password=output.getvalue().strip())
    assert user
    assert user.is_staff is staff


@pytest.mark.parametrize(
    ("role", "name", "words"),
    [
        ("teacher", "anna", "already an account"),
        ("teacher", "a b", "valid username"),
        ("pupil", "bo", "invalid choice"),
    ],
)
def test_create_account_refuses_plainly(role: str, name: str, words: str) -> None:
    call_command("create_account", "teacher", "anna", stdout=StringIO())
    with pytest.raises(CommandError, match=words):
        call_command("create_account", role, name)


def test_passwords_differ_and_are_long() -> None:
    passwords = {random_password() for _ in range(100)}
    assert len(passwords) == 100
    assert {len(password) for password in passwords} == {19}
