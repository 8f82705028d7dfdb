"""The version is one, and shown wherever somebody asks which HuleEdu runs."""

import subprocess
import sys
import tomllib

import pytest
from django.contrib.auth.models import User
from django.test import Client

from huleedu.machine import release as release_module
from huleedu.machine.programs import BASE_DIR
from huleedu.machine.release import release

VERSION = str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])


def test_the_command_line_tells_it() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "--version"], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"HuleEdu {VERSION}\n"


def test_pages_tell_it_to_those_who_are_signed_in(client: Client, teacher: User) -> None:
    shown = f"HuleEdu {VERSION}"
    assert shown not in client.get("/help/").content.decode()
    client.force_login(teacher)
    assert shown in client.get("/help/").content.decode()
    teacher.is_staff = teacher.is_superuser = True
    teacher.save()
    assert shown in client.get("/admin/").content.decode()


def test_metrics_tell_it(client: Client, db: None) -> None:
    assert f'version="{VERSION}"' in client.get("/metrics").content.decode()


def test_code_without_its_project_file_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(release_module, "BASE_DIR", tmp_path)
    assert release.__wrapped__() == ""


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    headings = [
        line for line in (BASE_DIR / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    ]
    released = [heading for heading in headings if heading != "## Unreleased"]
    assert released[0].startswith(f"## {VERSION} (")
