"""What decides when tests fail: a few are tried alone, many are not."""

import json
from pathlib import Path

import pytest

from tests import run

CODES = {"passed": 0, "failed": 1, "broken": 2}


@pytest.mark.parametrize(
    ("together", "failed", "alone", "code"),
    [
        ("passed", 0, None, 0),
        ("failed", 3, "passed", 0),
        ("failed", 3, "failed", 1),
        ("failed", run.MOST_ALONE + 1, None, 1),
        ("broken", 3, None, 2),
    ],
)
def test_a_few_that_failed_are_tried_alone(
    together: str,
    failed: int,
    alone: str | None,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = sorted(f"tests/test_it.py::test_{number}" for number in range(failed))
    noted = tmp_path / "lastfailed"
    noted.write_text(json.dumps({"tests/test_it.py::test_of_another_name": True}))
    ran: list[list[str]] = []

    def ended(command: list[str]) -> int:
        if not ran and names:
            known = json.loads(noted.read_text()) if noted.exists() else {}
            noted.write_text(json.dumps(known | dict.fromkeys(names, True)))
        ran.append(command)
        return CODES[together if command == run.TESTS else alone or ""]

    monkeypatch.setattr(run, "NOTED", noted)
    monkeypatch.setattr(run, "tests", ended)
    assert run.every_test() == code
    assert len(ran) == (1 if alone is None else 2)
    if alone is not None:
        assert ran[1][3:] == names
        assert names[0] in capsys.readouterr().out
