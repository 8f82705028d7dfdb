"""Phases are declared whole, or the start ends with the name of what is missing."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from essays.phases import analysis, spellcheck
from huleedu.answers.error_words import WORDS
from huleedu.api.shapes import Answer
from huleedu.events import phases
from huleedu.events.catalogue import CATALOGUE
from huleedu.events.feed import MESSAGE_NAMES
from huleedu.events.phase import EssayPhase, Measure
from huleedu.events.phases import PHASES, every_code, load
from huleedu.events.vocabulary import EssayPhaseRequest, PhaseCompleted, PhaseInitiate
from huleedu.subscriptions import SUBSCRIPTIONS
from huleedu.work.handlers import HANDLERS

ESSAY = analysis.PHASE


class NeverNull(analysis.AnalysisFigures):
    words: int  # type of a figure that a failed step would have to have


class NothingShown(Answer):
    """Neither how a step ended nor why."""

    words: int | None


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Modules that hold what is given, as a package to load."""

    def make(**declared: object) -> list[str]:
        modules = []
        for name, phase in declared.items():
            module = ModuleType(f"made_up.{name}")
            if phase is not None:
                vars(module)["PHASE"] = phase
            modules.append(module)
        monkeypatch.setattr(phases, "modules_of", lambda package: modules)
        return ["made_up"]

    return make


def test_every_module_of_the_package_is_a_phase_everywhere() -> None:
    modules = [module for package in settings.PHASES_IN for module in phases.modules_of(package)]
    assert list(PHASES.values()) == sorted(
        (module.PHASE for module in modules), key=lambda phase: (not phase.by_default, phase.name)
    )
    for name, phase in PHASES.items():
        assert all(CATALOGUE[event.__name__] is event for event in phase.events)
        assert MESSAGE_NAMES[phase.completed.__name__] == phase.live_message
        assert HANDLERS[name].name == name
        assert phase.initiate.__name__ in SUBSCRIPTIONS
        assert set(phase.failures) <= set(WORDS) and set(phase.failures) <= set(every_code())


def test_a_module_without_a_phase_is_named(package: Callable[..., list[str]]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"made_up\.grammar declares no PHASE"):
        load(package(grammar=None))
    with pytest.raises(ImproperlyConfigured, match=r"made_up\.grammar declares no PHASE"):
        load(package(grammar=spellcheck.SpellcheckInitiate))


def test_two_phases_share_neither_name_nor_code(package: Callable[..., list[str]]) -> None:
    assert list(load(package(one=ESSAY))) == ["analysis"]
    with pytest.raises(ImproperlyConfigured, match="Two phases are called 'analysis'"):
        load(package(one=ESSAY, two=ESSAY))
    other = replace(spellcheck.PHASE, failures=ESSAY.failures)
    with pytest.raises(ImproperlyConfigured, match="ANALYSIS_FAILED, as the phase 'analysis' has"):
        load(package(one=ESSAY, two=other))


class OtherInitiate(PhaseInitiate):
    topic = "huleedu.commands.other.initiate.v1"
    phase_name = "other"


class EssayOtherRequest(EssayPhaseRequest):
    topic = "huleedu.commands.essay.other.v1"
    phase_name = "other"


def other_phase(completed: type[PhaseCompleted]) -> EssayPhase:
    """A phase that is whole, but for what ``completed`` may share with another."""
    return replace(
        ESSAY,
        name="other",
        failures={"OTHER_FAILED": WORDS["TIMEOUT"]},
        initiate=OtherInitiate,
        request=EssayOtherRequest,
        completed=completed,
        live_message="essay.other.completed",
    )


@pytest.mark.parametrize(
    ("name", "topic", "told"),
    [
        (
            "AnalysisCompleted",
            "huleedu.essay.other.completed.v1",
            "AnalysisCompleted, as the phase .*",
        ),
        ("OtherCompleted", analysis.AnalysisCompleted.topic, "completed.v1, as the phase 'analysis'"),
        ("BatchStarted", "huleedu.essay.other.completed.v1", "BatchStarted, as the vocabulary"),
    ],
)
def test_an_event_is_of_one_phase_alone(
    package: Callable[..., list[str]], name: str, topic: str, told: str
) -> None:
    """Of two classes of one name the later would be read as the other: its batch would wait for ever."""
    shared = type(name, (analysis.AnalysisCompleted,), {"topic": topic, "phase_name": "other"})
    with pytest.raises(ImproperlyConfigured, match=f"The phase 'other' has .*{told} has"):
        load(package(one=ESSAY, two=other_phase(shared)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Analysis"}, "its name has other letters"),
        ({"name": ""}, "its name has other letters"),
        ({"failures": {}}, "no code for a step that failed on every try"),
        ({"failures": {"TIMEOUT": WORDS["TIMEOUT"]}}, "TIMEOUT is no code, or one that files have"),
        ({"failures": {"lower": WORDS["TIMEOUT"]}}, "lower is no code"),
        ({"live_message": "essay.analysed"}, "live_message is not"),
        (
            {"initiate": spellcheck.SpellcheckInitiate},
            "SpellcheckInitiate has no topic, or another phase_name",
        ),
        ({"request": spellcheck.EssaySpellcheckRequest}, "EssaySpellcheckRequest has no topic, or another"),
        ({"completed": spellcheck.SpellcheckCompleted}, "SpellcheckCompleted has no topic, or another"),
        (
            {"figures": spellcheck.SpellcheckFigures},
            "figures has findings, which AnalysisCompleted does not tell",
        ),
        ({"figures": NothingShown}, "figures has no status"),
        ({"shape": NothingShown}, "shape has no status"),
        ({"measures": [Measure("grade", "Grade")]}, "grade is shown, and is not in figures"),
        ({"columns": [Measure("grade", "Grade")]}, "grade is shown, and is not in figures"),
        ({"bounds": ["grade"]}, "grade is shown, and is not in figures"),
        ({"figures": NeverNull}, "words of figures may not be null"),
        ({"shape": NeverNull}, "words of shape has no default and may not be null"),
    ],
)
def test_a_forgotten_part_is_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"The phase '.*': .*{told}"):
        replace(ESSAY, **changes).check()


@pytest.mark.parametrize(
    "part", ["step", "initiate", "request", "completed", "failures", "words", "figures", "shape"]
)
def test_a_part_left_out_ends_the_start(part: str) -> None:
    given = {name: value for name, value in vars(ESSAY).items() if name != part}
    with pytest.raises(TypeError, match=part):
        EssayPhase(**given)
