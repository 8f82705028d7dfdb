"""Logs are put aside without losing a line, by the supervisor and by logrotate as shipped."""

import logging
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from huleedu.machine import log_files
from huleedu.machine.log_files import KEPT, ReopenedFile, rotate
from huleedu.machine.supervisor import python_program
from tests.documents import ROOT

LINES = 4000
WRITER = """
import os, sys, structlog
from huleedu import logs
logs.configure({"level": "INFO", "file": os.environ["HULEEDU_LOG"]})
log = structlog.get_logger("test")
for number in range(int(sys.argv[1])):
    log.info("line", number=number)
"""
LOGROTATE = ROOT / "deploy" / "one-machine" / "logrotate"


@contextmanager
def writing(log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Two programs of ours that log into one file, as the workers of a cluster do."""
    environment = os.environ | {"HULEEDU_LOG": str(log)}
    command = [sys.executable, "-c", WRITER, str(LINES)]
    two = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(2)]
    try:
        yield two[0]
    finally:
        for each in two:
            assert each.wait(60) == 0


def check_lines(folder: Path) -> None:
    """Every line is in one of the files, whole and as often as it was written."""
    text = "".join(path.read_text() for path in sorted(folder.glob("web.log*")))
    assert len(text.splitlines()) == 2 * LINES
    for number in (0, LINES // 2, LINES - 1):
        assert text.count(f'"number": {number},') + text.count(f'"number": {number}}}') == 2


def test_the_supervisor_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "KEPT", 1000)
    log = tmp_path / "web.log"
    rotated = 0
    with writing(log) as program:
        while program.poll() is None:
            rotate(tmp_path, 20_000, {"web"})
            time.sleep(0.01)
        rotated = len(list(tmp_path.glob("web.log.*")))
    assert rotated > 3
    check_lines(tmp_path)


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is missing")
def test_logrotate_as_shipped_loses_no_line(tmp_path: Path) -> None:
    text = LOGROTATE.read_text().replace("/var/lib/huleedu/logs", str(tmp_path))
    text = "\n".join(line for line in text.splitlines() if line.strip() != "su huleedu huleedu")
    text = text.replace("rotate 30", "rotate 1000").replace("    compress\n", "")
    configuration = tmp_path / "huleedu.conf"
    configuration.write_text(text)
    configuration.chmod(0o644)
    tmp_path.chmod(0o700)
    command = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(configuration)]
    rotated = 0
    with writing(tmp_path / "web.log") as program:
        while program.poll() is None:
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, "")
            rotated = len(list(tmp_path.glob("web.log.*")))
    assert rotated > 1
    check_lines(tmp_path)


def test_former_logs_are_few_and_private(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for number in range(KEPT + 3):
        log.write_text(f"{number}" * 30)
        rotate(tmp_path, 10, {"web"})
    assert not log.exists()
    assert len(list(tmp_path.iterdir())) == KEPT
    assert log_files.former(log, 1).read_text() == f"{KEPT + 2}" * 30


def test_a_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    handler = ReopenedFile(str(tmp_path / "web.log"))
    before = os.umask(0o022)
    try:
        handler.emit(handler_record())
    finally:
        os.umask(before)
        handler.close()
    assert stat.S_IMODE((tmp_path / "web.log").stat().st_mode) == 0o600


def handler_record() -> logging.LogRecord:
    return logging.LogRecord("test", 20, "", 0, "a line", None, None)


def test_a_folder_that_is_gone_harms_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = ReopenedFile(str(tmp_path / "gone" / "web.log"))
    handler.emit(handler_record())
    assert capsys.readouterr().err == "a line\n"


def test_make_run_tells_its_programs_where_to_log(tmp_path: Path) -> None:
    program = python_program("web", ["-m", "x"], {"HULEEDU_VAR": str(tmp_path)})
    assert program.environment["HULEEDU_LOG"] == str(tmp_path / "logs" / "web.log")
    assert "HULEEDU_LOG" not in python_program("web", ["-m", "x"], {}).environment
