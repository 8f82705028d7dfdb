"""Figures of the phases as pages show them: columns of lists, an essay beside its batch, a batch's spread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from batches.models import Batch
from huleedu.answers.error_words import in_words
from huleedu.events.phase import EssayPhase, Measure
from huleedu.events.phases import batch_wide_phases, essay_phases
from results.lines import FileLine, Kept, Line
from results.outliers import Of, Range, range_of
from results.queries import batch_figures


@dataclass(frozen=True)
class Column:
    """A phase's figure that heads a column in lists of essays."""

    phase: str
    measure: Measure

    def value(self, line: Line) -> float | None:
        """The figure of one essay, None where it is not known."""
        return line.phases.get(self.phase, {}).get(self.measure.name)


@dataclass(frozen=True)
class Compared:
    """A figure of one essay, or of a whole batch, beside the batch's median."""

    measure: Measure
    value: float | None
    median: float | None = None


@dataclass(frozen=True)
class Panel:
    """A phase's figures of one essay, or of the whole batch."""

    name: str
    error: str  # in words; empty when it went well
    has_ended: bool
    lines: list[Compared]


@dataclass(frozen=True)
class Spread:
    """A figure over a batch's essays."""

    measure: Measure
    over: Range


@dataclass(frozen=True)
class Section:
    """A phase's figures over a batch's essays."""

    name: str
    lines: list[Spread]


def phases_of(batch: Batch) -> list[EssayPhase]:
    """The phases on essays that the batch has."""
    return [phase for phase in essay_phases() if phase.name in batch.settings.steps]


def columns(batch: Batch) -> list[Column]:
    """The columns of figures in lists of the batch's essays."""
    return [Column(phase.name, measure) for phase in phases_of(batch) for measure in phase.columns]


def panels(batch: Batch, line: Line, others: Iterable[Line]) -> list[Panel]:
    """Each phase's measures of one essay beside the medians of the batch's ``others``, itself among them."""
    counted = [other.phases for other in others if not other.stray]
    return [
        Panel(
            name=str(phase.words.name),
            error=in_words(line.phases.get(phase.name, {}).get("error")),
            has_ended=phase.name in line.phases,
            lines=[
                Compared(
                    measure,
                    line.phases.get(phase.name, {}).get(measure.name),
                    middle(values_of(phase, measure, counted)),
                )
                for measure in phase.measures
                if values_of(phase, measure, [*counted, line.phases])
            ],
        )
        for phase in phases_of(batch)
        if phase.measures
    ]


def sections(batch: Batch, lines: Iterable[FileLine]) -> list[Section]:
    """Each phase's measures over the essays in the batch's language: their range."""
    counted = [line for line in lines if not line.stray and line.number is not None]
    return [
        Section(
            name=str(phase.words.name),
            lines=[
                Spread(measure, over)
                for measure in phase.measures
                if (over := range_of(figures_of(phase, measure, counted)))
            ],
        )
        for phase in phases_of(batch)
        if phase.measures
    ]


def figures_of(phase: EssayPhase, measure: Measure, lines: Iterable[FileLine]) -> list[Of]:
    """The known figures of essays with their numbers."""
    known = ((line.number, line.phases.get(phase.name, {}).get(measure.name)) for line in lines)
    return [Of(number, value) for number, value in known if number is not None and value is not None]


def of_whole(batch: Batch) -> list[Panel]:
    """The measures of each phase on the whole batch."""
    return [
        Panel(
            name=str(phase.words.name),
            error=in_words((figures or {}).get("error")),
            has_ended=figures is not None,
            lines=[Compared(measure, (figures or {}).get(measure.name)) for measure in phase.measures],
        )
        for phase in batch_wide_phases()
        if phase.name in batch.settings.steps and phase.measures
        for figures in [batch_figures(phase, batch)]
    ]


def values_of(phase: EssayPhase, measure: Measure, counted: Iterable[Kept]) -> list[float]:
    """The known values of a measure."""
    values = (phases.get(phase.name, {}).get(measure.name) for phases in counted)
    return [value for value in values if value is not None]


def middle(values: Sequence[float]) -> float | None:
    """The median, None without values."""
    return median(values) if values else None
