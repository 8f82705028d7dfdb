"""What ``make run`` says while something is missing: every failed thing in words, each state once."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from huleedu.machine import readiness
from huleedu.machine.readiness import SILENT, WAITING, WORDS, Readiness
from huleedu.watching import health
from huleedu.web.serving import Gate


def answer(monkeypatch: pytest.MonkeyPatch, status: int, **body: object) -> None:
    monkeypatch.setattr(readiness, "ask", lambda *_: (status, body))


def test_every_check_that_can_fail_has_words() -> None:
    assert WORDS.keys() == health.CHECKS.keys() - health.OPTIONAL


def test_trouble_is_told_once_and_anew_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    state, said = Readiness("http://127.0.0.1:1"), list[str]()
    for checks in [{"storage": "failed"}] * 2 + [
        {"storage": "failed", "steps": "failed", "redis": "degraded"}
    ]:
        answer(monkeypatch, 503, checks=checks, differences=[{"process": "web-a-1", "differs": "SECRET_KEY"}])
        assert not state.ready()
        state.tell_trouble(said.append)
    assert [WORDS["storage"] in line and "web-a-1 (SECRET_KEY)" in line for line in said] == [True, True]
    assert WORDS["steps"] in said[1]
    assert "redis" not in said[1]


def test_degraded_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, 200, checks={"redis": "degraded"})
    assert Readiness("http://127.0.0.1:1").ready()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (0, {}, SILENT),
        (503, {"code": "UNAVAILABLE"}, WAITING),
        (502, {}, "the web server answers with status 502 and says no more"),
    ],
)
def test_an_answer_that_names_nothing(
    monkeypatch: pytest.MonkeyPatch, status: int, body: dict[str, str], words: str
) -> None:
    state, said = Readiness("http://127.0.0.1:1"), list[str]()
    answer(monkeypatch, status, **body)
    assert not state.ready()
    state.tell_trouble(said.append)
    assert words in said[0]
    assert (SILENT in said[0]) is (status == 0)


def test_a_closed_gate_is_not_taken_for_silence() -> None:
    """What the gate really answers while the database is away."""

    async def never(*_: object) -> None:
        raise AssertionError

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    gate = Gate(never)
    gate.open = False
    scope: Any = {"type": "http", "path": "/readyz"}
    async_to_sync(gate)(scope, receive, send)
    body = readiness.decoded(b"".join(message.get("body", b"") for message in sent))
    assert readiness.describe(sent[0]["status"], body) == WAITING


def test_nobody_there() -> None:
    assert readiness.ask("http://127.0.0.1:1/readyz", 1.0) == (0, {})
    assert readiness.decoded(b"<html>") == {}
    assert readiness.decoded(b"[1]") == {}
