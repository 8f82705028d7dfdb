"""Checking in a process of its own: hostile texts, a child that lies or dies, and what is told of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from essays import checking
from essays.checking import CHECKING, UNITS_PER_SECOND, check
from essays.steps.candidates import search
from essays.steps.findings import SpellingReport
from essays.steps.languages import LanguageCode
from essays.steps.spellcheck import UNITS, spellcheck, warm
from files import sandbox
from files.nursery import Founder, NurseryLost
from files.sandbox import SandboxCrashed
from huleedu.failures.errors import StepError
from tests.pipeline import Pipeline
from tests.samples.nonsense import long_unknown_words

ROOT = Path(__file__).resolve().parents[2]
TEXT = "I belive my freind is intrested in alot of things."
USUAL_SECONDS = 0.05  # of a processor for a million squares
Misbehave = Callable[[str], None]


@pytest.fixture
def misbehave(monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehave]:
    """Puts other code in the child's place, under the child's own limits."""

    def replace(code: str) -> None:
        whole = (
            f"import os, sys, time; sys.path.insert(0, {str(ROOT)!r});"
            "from files.steps.confinement import Confinement, hurry, limit;"
            "limit(Confinement(processor_seconds=1), os.getppid());"
        ) + code
        serve = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from files.steps.nursery import main;"
        act = f"lambda _: exec({whole!r}, {{}})"
        warm = [sys.executable, "-I", "-c", f"{serve} main(sys.argv[1:], {act})"]
        monkeypatch.setattr(sandbox, "nursery_command", lambda *_: warm)

    sandbox.leave_nursery(CHECKING)
    yield replace
    sandbox.leave_nursery(CHECKING)


def outcome(changes: Mapping[str, object] | None = None) -> str:
    """What a child writes of ``TEXT``."""
    rows = [[0, 1, []], [2, 8, ["believe"]]]
    result = {"words": 3, "engine": "e", "fewer_suggestions": False, "findings": rows}
    return json.dumps({"result": {**result, **(changes or {})}}) + "\n"


FEWER = {"fewer_suggestions": True}


def told(text: str) -> str:
    return f"os.write(1, {text.encode()!r});"


def failure(text: str = TEXT, seconds: float = 20) -> StepError:
    with pytest.raises(StepError) as error:
        check(text, "en", seconds)
    assert error.value.code == "SPELLCHECK_FAILED"
    return error.value


@pytest.mark.parametrize(
    ("text", "language"), [(TEXT, "en"), ("Vi gick till skollan med åsa. " * 9, "sv"), ("", "sv")]
)
def test_it_is_the_steps_own_report(text: str, language: LanguageCode) -> None:
    assert check(text, language) == spellcheck(text, language)


def test_the_same_when_the_child_is_started_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_job: sandbox.Job) -> None:
        raise NurseryLost

    expected = check(TEXT, "en")
    monkeypatch.setattr(sandbox, "nursery", none)
    assert check(TEXT, "en") == expected


def slowness() -> float:
    """How many times the processor time of a usual processor this one takes at this moment."""
    began = time.process_time()
    sum(number * number for number in range(1_000_000))
    return (time.process_time() - began) / USUAL_SECONDS


@pytest.mark.timeout(200)
@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(
    "text",
    [
        long_unknown_words(820, 1, (40,)),
        long_unknown_words(820, 2, (25, 12)),
        long_unknown_words(50_000, 3),
        long_unknown_words(50_000, 4, (9, 14)),
        long_unknown_words(50_000, 5, (99, 60)),
        long_unknown_words(50_000, 6, (60, 57)).upper(),
        long_unknown_words(50_000, 7, (3, 5)),
        " ".join("ha" * n for n in range(1, 60)),
        " ".join("Ha" + "ha" * n for n in range(1, 60)),
        " ".join("ö" * n for n in range(1, 300)),
        " ".join("sol-sko-bo-q" * n for n in range(1, 80)),
        "a" * 50_000,
        "aA" * 25_000,
        "ha" * 25_000,
    ],
    ids=range(14),
)
def test_a_hostile_text_stays_within_its_budget(text: str, language: LanguageCode) -> None:
    """In twice the seconds of processor that its child has.

    Twice: who shares a processor's memory with others needs up to half as much again. What is not counted, as
    a pattern that goes back and forth, takes many times that.
    """
    warm(language)
    search.cache_clear()
    before = slowness()
    began = time.process_time()
    report = spellcheck(text[:50_000], language)
    seconds = time.process_time() - began
    assert seconds < 2 * UNITS / UNITS_PER_SECOND * max(1.0, before, slowness())
    assert report.findings or not report.fewer_suggestions


@pytest.mark.parametrize("language", ["sv", "en"])
def test_what_is_dear_is_checked_to_the_end(language: LanguageCode) -> None:
    text = long_unknown_words(820, 1, (40, 25))
    assert check(text, language) == spellcheck(text, language)


def test_a_check_that_takes_too_long_keeps_its_marks(misbehave: Misbehave) -> None:
    misbehave(
        told(outcome({**FEWER, "findings": [[2, 8, []]]}))
        + "hurry(Confinement(first_seconds=0.2))\nwhile True: pass"
    )
    report = check(TEXT, "en")
    assert [(each.word, each.suggestions) for each in report.findings] == [("belive", ())]
    assert report.fewer_suggestions
    assert report.corrected_text == TEXT


@pytest.mark.parametrize(
    "end",
    [
        "\nwhile True: pass",
        "os._exit(3)",
        "import ctypes; ctypes.string_at(0)",
        told('{"result": {"words": 1') + f"os.kill(os.getpid(), {int(signal.SIGSEGV)})",
    ],
)
def test_however_it_ends_its_marks_are_kept(misbehave: Misbehave, end: str) -> None:
    misbehave(told(outcome(FEWER)) + end)
    assert check(TEXT, "en").fewer_suggestions


def test_one_that_falls_silent_keeps_its_marks(misbehave: Misbehave) -> None:
    misbehave(told(outcome(FEWER)) + "time.sleep(60)")
    assert check(TEXT, "en", 3).fewer_suggestions


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("\nwhile True: pass", "processor"),
        ("hurry(Confinement(first_seconds=0.1))\nwhile True: pass", "processor"),
        ("os._exit(3)", "memory"),
        ("\nwhile True: os.write(1, bytes(65536))", "output"),
        ("pass", "outcome"),
    ],
)
def test_without_marks_the_check_has_failed(misbehave: Misbehave, code: str, limit: str) -> None:
    misbehave(code)
    assert failure().details["limit"] == limit


def test_one_that_is_silent_has_failed(misbehave: Misbehave) -> None:
    misbehave("time.sleep(60)")
    assert failure(seconds=0.5).details == {"limit": "wall_clock", "seconds": 0.5}


@pytest.mark.parametrize(
    "changes",
    [
        {"words": len(TEXT) + 1},
        {"words": -1},
        {"engine": "e" * 201},
        {"findings": [[2, 8, []], [0, 1, []]]},
        {"findings": [[2, 2, []]]},
        {"findings": [[2, len(TEXT) + 1, []]]},
        {"findings": [[2, 8, ["s"] * 6]]},
        {"findings": [[2, 8, ["s" * 101]]]},
        {"findings": [[2, 8, [""]]]},
        {"findings": [[2, 8, [1]]]},
        {"fewer_suggestions": 1},
        {"more": 1},
    ],
)
def test_a_child_that_lies_is_not_believed(misbehave: Misbehave, changes: dict[str, object]) -> None:
    misbehave(told(outcome(changes)))
    assert failure().details == {"limit": "outcome"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_from_outside_can_be_tried_again(misbehave: Misbehave, number: signal.Signals) -> None:
    misbehave(told(outcome()) + f"os.kill(os.getpid(), {int(number)})")
    with pytest.raises(SandboxCrashed):
        check(TEXT, "en")


def test_a_founders_nurseries_share_and_end_with_their_owner_or_the_founder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = check(TEXT, "en")
    sandbox.leave_nursery(CHECKING)
    monkeypatch.setattr(sandbox, "_founders", {})
    sandbox.share(CHECKING)
    founder = sandbox._founders[CHECKING.module]
    assert isinstance(founder, Founder)
    try:
        assert check(TEXT, "en") == expected
        assert len(children(founder.process_id)) == 1
        sandbox.leave_nursery(CHECKING)
        until(lambda: not children(founder.process_id))
        assert check(TEXT, "en") == expected
        os.kill(founder.process_id, signal.SIGKILL)
        assert check(TEXT, "en") == expected, "afresh"
        sandbox.leave_nursery(CHECKING)
        assert check(TEXT, "en") == expected, "by a nursery of its own"
        assert CHECKING.module not in sandbox._founders
    finally:
        sandbox.leave_nursery(CHECKING)


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def until(condition: Callable[[], bool]) -> None:
    over = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < over
        time.sleep(0.01)


def test_a_worker_has_no_engine_in_its_memory() -> None:
    """Code in C that meets what strangers wrote runs in the child only."""
    script = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'huleedu.settings'; django.setup();"
        "import huleedu.steps, huleedu.relay.cluster, huleedu.relay.processes;"
        "engines = {'hunspell', 'symspellpy', 'pypdfium2', 'lxml', 'wordfreq'};"
        "print(sorted(engines & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert answer.stdout.strip() == "[]"


def report_of(pipeline: Pipeline, teacher: User, text: str) -> tuple[Client, str]:
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, text.encode())
    pipeline.run()
    client = Client()
    client.force_login(teacher)
    return client, reverse("essay", args=[batch.pk, 1])


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "This text has so many unknown words"), ("sv", "Texten har så många okända ord")],
)
def test_fewer_suggestions_are_told_on_the_page(
    pipeline: Pipeline, teacher: User, settings: Settings, language: str, words: str
) -> None:
    settings.CHECK_SECONDS = 0.01
    client, address = report_of(pipeline, teacher, f"{TEXT} " * 3)
    page = client.get(address, headers={"accept-language": language}).content.decode()
    assert words in page
    settings.CHECK_SECONDS = 2
    client, address = report_of(pipeline, teacher, f"{TEXT} Again. " * 3)
    assert words not in client.get(address, headers={"accept-language": language}).content.decode()


def test_the_event_and_the_results_tell_it(pipeline: Pipeline, teacher: User, settings: Settings) -> None:
    settings.CHECK_SECONDS = 0.01
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, f"{TEXT} ".encode() * 3)
    pipeline.run()
    (event,) = pipeline.events(batch, "SpellcheckCompleted")
    assert event["fewer_suggestions"] is True
    assert event["findings"] == 12


def test_a_check_without_room_for_suggestions_is_deterministic(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECK_SECONDS = 2.0
    monkeypatch.setattr(checking, "UNITS_PER_SECOND", 7_500)
    text = long_unknown_words(5_000, 7, (9, 12))
    first: SpellingReport = check(text, "sv")
    assert first == check(text, "sv") == spellcheck(text, "sv", units=15_000)
    assert first.fewer_suggestions
