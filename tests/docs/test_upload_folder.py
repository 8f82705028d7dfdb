"""The example script does what it says, against a real server."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from batches.models import Batch
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
SCRIPT = Path(settings.BASE_DIR) / "docs" / "upload_folder.py"
PASSWORD = "correct horse battery"


def run_script(pipeline: Pipeline, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the script to its end while relay and workers do their part here."""
    command = [sys.executable, str(SCRIPT), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            pipeline.run()
            time.sleep(0.05)
        process.kill()
        output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


@pytest.mark.live
def test_a_folder_becomes_results(
    live_server: LiveServer, pipeline: Pipeline, teacher: User, make_essay: Essays, tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"Elev å{number}.txt").write_bytes(make_essay(number))
    done = run_script(pipeline, live_server.url, teacher.username, PASSWORD, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert Batch.objects.get().status == Batch.Status.COMPLETED
    for number in range(3):
        assert f"Elev å{number}.txt: completed," in done.stdout


@pytest.mark.live
def test_what_cannot_be_read_is_told(
    live_server: LiveServer, pipeline: Pipeline, teacher: User, make_essay: Essays, tmp_path: Path
) -> None:
    (tmp_path / "good.txt").write_bytes(make_essay(1))
    (tmp_path / "empty.txt").write_bytes(b"")
    done = run_script(pipeline, live_server.url, teacher.username, PASSWORD, str(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "good.txt: completed," in done.stdout
    assert "empty.txt: failed, No text found" in done.stdout


@pytest.mark.live
def test_a_folder_without_any_essay_comes_to_an_end(
    live_server: LiveServer, pipeline: Pipeline, teacher: User, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    done = run_script(pipeline, live_server.url, teacher.username, PASSWORD, str(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "empty.txt: failed, No text found" in done.stdout


@pytest.mark.live
def test_wrong_passwords_and_empty_folders(
    live_server: LiveServer, pipeline: Pipeline, teacher: User, tmp_path: Path
) -> None:
    denied = run_script(pipeline, live_server.url, teacher.username, "wrong", str(tmp_path))
    assert (denied.returncode, "401" in denied.stderr) == (2, True)
    empty = run_script(pipeline, live_server.url, teacher.username, PASSWORD, str(tmp_path))
    assert (empty.returncode, "holds no files" in empty.stderr) == (2, True)
