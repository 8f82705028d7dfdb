"""Temporary files: in the state folder, private, gone after a kill."""

import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from huleedu.machine import temporary
from huleedu.machine.programs import BASE_DIR

WHERE = """
import os, tempfile, django
django.setup()
named = tempfile.NamedTemporaryFile()
unnamed = tempfile.TemporaryFile()
print(os.path.dirname(named.name), os.readlink(f"/proc/self/fd/{unnamed.fileno()}"))
"""


def where(var: Path, process: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "HULEEDU_VAR": str(var),
        "HULEEDU_PROCESS": process,
        "DJANGO_SETTINGS_MODULE": "huleedu.settings",
        "SECRET_KEY": "x" * 60,
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-c", WHERE],
        check=False,
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("process", ["web", "relay", "standby", "steps"])
def test_every_serving_process_keeps_them_in_the_state_folder(tmp_path: Path, process: str) -> None:
    done = where(tmp_path / "var", process, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    named, unnamed = done.stdout.split()[:2]
    assert named == str(tmp_path / "var" / "tmp")
    assert unnamed.startswith(f"{named}/")
    assert stat.S_IMODE((tmp_path / "var" / "tmp").stat().st_mode) == 0o700


def test_commands_do_so_where_there_is_an_installation(tmp_path: Path) -> None:
    assert where(tmp_path, "command").stdout.split()[0] == tempfile.gettempdir()
    assert not (tmp_path / "tmp").exists()
    (tmp_path / "secrets").mkdir()
    assert where(tmp_path, "command").stdout.split()[0] == str(tmp_path / "tmp")


def test_a_state_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "tmp").write_text("in the way")
    done = where(tmp_path, "web")
    assert done.returncode
    assert "The folder for temporary files cannot be used" in done.stderr


def test_what_is_old_is_removed_and_nothing_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("stays")
    folder = tmp_path / "tmp"
    (folder / "old-folder" / "deep").mkdir(parents=True)
    for name in ("old", "new", "old-folder/deep/file"):
        (folder / name).write_text("a pupil's")
    (folder / "old-link").symlink_to(outside)
    before = time.time() - 2 * temporary.FORGOTTEN_SECONDS
    for name in ("old", "old-folder", "old-link"):
        os.utime(folder / name, (before, before), follow_symlinks=False)
    assert temporary.clear(tmp_path) == 3
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert outside.read_text() == "stays"
    assert temporary.clear(tmp_path, seconds=0) == 1
    assert list(folder.iterdir()) == []


def test_nothing_there_is_nothing_to_remove(tmp_path: Path) -> None:
    assert temporary.clear(tmp_path) == 0
