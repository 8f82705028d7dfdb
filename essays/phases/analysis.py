"""The text analysis: how long, readable, varied and usual the words of an essay are. No grade."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from essays.steps.analysis import analyse
from essays.steps.frequencies import frequencies_of
from essays.steps.languages import LANGUAGES
from huleedu.api.shapes import Answer
from huleedu.events.phase import EssayPhase, Measure, PhaseWords, StepOutcome, StepStatus
from huleedu.events.vocabulary import ErrorDetail, EssayPhaseRequest, PhaseCompleted, PhaseInitiate
from huleedu.failures.words import Words


class AnalysisInitiate(PhaseInitiate):
    topic = "huleedu.commands.analysis.initiate.v1"
    phase_name = "analysis"


class EssayAnalysisRequest(EssayPhaseRequest):
    topic = "huleedu.commands.essay.analysis.v1"
    phase_name = "analysis"


class AnalysisCompleted(PhaseCompleted):
    topic = "huleedu.essay.analysis.completed.v1"
    phase_name = "analysis"
    words: int | None = None
    sentences: int | None = None
    paragraphs: int | None = None
    sentence_words: float | None = None
    paragraph_words: float | None = None
    lix: float | None = None
    flesch: float | None = None
    mtld: float | None = None
    hdd: float | None = None
    zipf: float | None = None


class Figures(Answer):
    """The text analysis of one essay; formulas and sources stand in docs/analysis.md.

    ``sentence_words`` and ``paragraph_words`` are means. ``lix`` is of Swedish texts, ``flesch`` of English
    ones, ``zipf`` of both; ``mtld`` needs 100 words, ``hdd`` 42. Null where a figure says nothing of a text.
    """

    words: int | None
    sentences: int | None
    paragraphs: int | None
    sentence_words: float | None
    paragraph_words: float | None
    lix: float | None
    flesch: float | None
    mtld: float | None
    hdd: float | None
    zipf: float | None
    language: str | None
    error: ErrorDetail | None


class AnalysisFigures(Figures):
    __doc__ = Figures.__doc__

    status: Literal["succeeded", "failed"]


class TextAnalysis(Figures):
    __doc__ = Figures.__doc__

    status: StepStatus


def analyse_text(text: str, language: str) -> StepOutcome:
    """The figures of ``text``; those that its language has no formula for are None, and none of them fail."""
    engine = f"text analysis 1; wordfreq {version('wordfreq')}"
    zipf_of = frequencies_of(language).zipf if language in LANGUAGES else unknown
    figures = asdict(analyse(text, language, zipf_of))
    return StepOutcome(engine, figures, figures)


def unknown(word: str) -> None:
    """No word has a known frequency in a language without a list."""


def in_words(data: Mapping[str, Any]) -> str:
    """How an analysis ended."""
    if data["status"] == "failed":
        return gettext("The text could not be analysed.")
    return gettext("The text was analysed.")


PHASE = EssayPhase(
    name="analysis",
    words=PhaseWords(
        name=_("Text analysis"),
        offer=_("Measure the texts: length, readability, variety of words"),
        repeat=_("Run the text analysis again"),
        requested=_("It was put in line for the text analysis."),
        completed=in_words,
    ),
    failures={
        "ANALYSIS_FAILED": Words(
            _("The text analysis did not finish"),
            _(
                "The essay and its other results are safe. Try again; if it fails twice, contact support "
                "with the code."
            ),
            ("retry", "support"),
        ),
    },
    initiate=AnalysisInitiate,
    request=EssayAnalysisRequest,
    completed=AnalysisCompleted,
    live_message="essay.analysis.completed",
    step=analyse_text,
    figures=AnalysisFigures,
    shape=TextAnalysis,
    measures=(
        Measure("sentences", _("Sentences")),
        Measure("paragraphs", _("Paragraphs")),
        Measure("sentence_words", _("Words per sentence"), digits=1),
        Measure("paragraph_words", _("Words per paragraph"), digits=1),
        Measure("lix", _("LIX"), _("Readability of Swedish: about 30 is easy, 50 is hard."), digits=0),
        Measure("flesch", _("Flesch"), _("Readability of English: 90 is very easy, 30 is hard."), digits=0),
        Measure(
            "mtld",
            _("Variety of words (MTLD)"),
            _("Words in a row before they repeat: more is more varied."),
            digits=0,
        ),
        Measure(
            "hdd",
            _("Variety of words (HD-D)"),
            _("Share of different words among 42: more is more varied."),
            digits=2,
        ),
        Measure("zipf", _("Rarity of words (Zipf)"), _("How usual the words are: less is rarer."), digits=1),
    ),
)
