"""Failpoints are inert unless armed, and happen as often as asked."""

import time
from pathlib import Path

import pytest

from huleedu.failures import failpoints
from huleedu.failures.failpoints import FailpointReached, failpoint
from tests.installation import ROOT


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HULEEDU_VAR", str(tmp_path))


def test_nothing_happens_unarmed(tmp_path: Path) -> None:
    for name in failpoints.NAMES:
        failpoint(name)
    assert not list(tmp_path.iterdir())


def test_an_armed_one_happens_as_often_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "ARMED", "extract.mid:raise:2,relay.after_commit:sleep=0.05")
    failpoint("upload.after_store")
    for _ in range(2):
        with pytest.raises(FailpointReached, match=r"extract\.mid"):
            failpoint("extract.mid")
    failpoint("extract.mid")
    began = time.monotonic()
    failpoint("relay.after_commit")
    assert time.monotonic() - began > 0.04


def test_every_name_is_used_once_in_the_code() -> None:
    folders = ("huleedu", "batches", "files", "essays", "results", "realtime")
    code = "".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    for name in failpoints.NAMES:
        assert code.count(f'failpoint("{name}")') == 1, name
