"""Plain http for other machines must be meant, however the server is told to listen."""

import os
from pathlib import Path

import pytest

from huleedu import run, server
from huleedu.machine.listening import complaint_about_plain_http, is_loopback

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "", "192.168.1.5", "huleedu.school.example", "128.0.0.1"])
def test_plain_http_for_others_must_be_meant(host: str) -> None:
    complaint = complaint_about_plain_http(host, {})
    assert complaint is not None
    assert complaint.count(". ") == 0 and "HULEEDU_PLAIN_HTTP=1" in complaint
    for name in ("HULEEDU_PLAIN_HTTP", "HULEEDU_HTTPS", "HULEEDU_BEHIND_PROXY"):
        assert complaint_about_plain_http(host, {name: "1"}) is None
        assert complaint_about_plain_http(host, {name: "0"}) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_this_machine_may_always_ask(host: str) -> None:
    assert is_loopback(host)
    assert complaint_about_plain_http(host, {}) is None


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HULEEDU_PLAIN_HTTP", "HULEEDU_HTTPS", "HULEEDU_BEHIND_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_make_run_refuses_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_said: None
) -> None:
    monkeypatch.setenv("HULEEDU_HOST", EVERYWHERE)
    monkeypatch.setenv("HULEEDU_VAR", str(tmp_path / "var"))
    assert run.main() == 2
    assert capsys.readouterr().out.count("\n") == 1
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-b", EVERYWHERE, "-p", "1"],
        [f"--bind={EVERYWHERE}"],
        ["-e", "tcp:port=1"],
        ["-e", f"tcp:port=1:interface={EVERYWHERE}"],
        ["-b", "127.0.0.1", "-e", r"tcp6:port=1:interface=\:\:"],
    ],
)
def test_the_web_server_refuses_whatever_way_it_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str], nothing_said: None
) -> None:
    with pytest.raises(SystemExit) as ended:
        server.refuse_plain_http(arguments)
    assert ended.value.code == os.EX_CONFIG
    assert "HULEEDU_PLAIN_HTTP=1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-b", "127.0.0.1"], [], ["-u", "/run/x"], ["-e", "tcp:port=1:interface=127.0.0.1"]]
)
def test_the_web_server_takes_what_stays_on_this_machine(arguments: list[str], nothing_said: None) -> None:
    server.refuse_plain_http(arguments)
