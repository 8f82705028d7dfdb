"""Figures of the phases as pages show them: columns of lists, an essay beside its batch, a batch's spread."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from batches.models import Batch
from essays.languages import is_stray
from huleedu.answers.error_words import in_words
from huleedu.events.phase import EssayPhase, Measure
from huleedu.events.phases import batch_wide_phases, essay_phases
from results.models import EssayResult
from results.queries import batch_figures


def phases_of(batch: Batch) -> list[EssayPhase]:
    """The phases on essays that the batch has."""
    return [phase for phase in essay_phases() if phase.name in batch.settings.steps]


def columns(batch: Batch) -> list[Measure]:
    """What heads the columns of figures in lists of the batch's essays."""
    return [measure for phase in phases_of(batch) for measure in phase.columns]


def cells(batch: Batch, steps: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One essay's figures in these columns, None where not known; ``steps`` is phase → what is kept."""
    return [
        {"measure": measure, "value": steps.get(phase.name, {}).get(measure.name)}
        for phase in phases_of(batch)
        for measure in phase.columns
    ]


def panels(batch: Batch, result: EssayResult, others: Iterable[EssayResult]) -> list[dict[str, Any]]:
    """Each phase's measures of one essay beside the medians of the batch's ``others``, itself among them."""
    counted = [other.phases for other in others if not is_stray(other.file, batch)]
    return [
        {
            "name": phase.words.name,
            "error": in_words(result.phases.get(phase.name, {}).get("error")),
            "has_ended": phase.name in result.phases,
            "lines": [
                {
                    "measure": measure,
                    "value": result.phases.get(phase.name, {}).get(measure.name),
                    "median": middle(values_of(phase, measure, counted)),
                }
                for measure in phase.measures
                if values_of(phase, measure, [*counted, result.phases])
            ],
        }
        for phase in phases_of(batch)
        if phase.measures
    ]


def sections(batch: Batch, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each phase's measures over the essays in the batch's language: least, median and most."""
    counted = [row["steps"] for row in rows if not row["stray"]]
    return [
        {
            "name": phase.words.name,
            "lines": [
                {
                    "measure": measure,
                    "least": min(values),
                    "median": middle(values),
                    "most": max(values),
                }
                for measure in phase.measures
                if (values := values_of(phase, measure, counted))
            ],
        }
        for phase in phases_of(batch)
        if phase.measures
    ]


def of_whole(batch: Batch) -> list[dict[str, Any]]:
    """The measures of each phase on the whole batch."""
    return [
        {
            "name": phase.words.name,
            "error": in_words((figures or {}).get("error")),
            "has_ended": figures is not None,
            "lines": [
                {"measure": measure, "value": (figures or {}).get(measure.name)} for measure in phase.measures
            ],
        }
        for phase in batch_wide_phases()
        if phase.name in batch.settings.steps and phase.measures
        for figures in [batch_figures(phase, batch)]
    ]


def values_of(
    phase: EssayPhase, measure: Measure, counted: Iterable[Mapping[str, Mapping[str, Any]]]
) -> list[float]:
    """The known values of a measure."""
    values = (steps.get(phase.name, {}).get(measure.name) for steps in counted)
    return [value for value in values if value is not None]


def middle(values: Sequence[float]) -> float | None:
    """The median, None without values."""
    return median(values) if values else None
