"""What the results page says about a batch: figures, kinds, problems, measures of its phases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from django.utils.translation import gettext as _

from batches.models import Batch
from huleedu.answers import format_words
from huleedu.answers.error_words import words_for
from huleedu.answers.rounding import rounded
from huleedu.events.phase import EssayPhase
from huleedu.events.phases import PHASES
from results import measuring, spelling
from results.lines import UNREAD, FileLine, essay_results
from results.mark_kinds import patterns
from results.marks import stored_findings
from results.outliers import Of, Range, range_of
from results.queries import attention, counts_of, phase_figures
from results.shapes import BatchCounts
from results.step_times import step_times

ATTENTION = "attention"
MOST_BARS = 8
WIDTHS = (25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10_000)


@dataclass(frozen=True)
class Tiles:
    """The headline figures; ``median_words`` and ``density`` (marks per 100 words) are None if not known.

    These two are medians of the essays in the batch's language.
    """

    ready: int
    expected: int
    median_words: int | None
    density: float | None
    attention: int


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: the values it stands for, how many there are, its height."""

    label: str
    count: int
    height_percent: float

    @property
    def words(self) -> str:
        """The filter that shows its essays."""
        return self.label.replace("–", "-")


@dataclass(frozen=True)
class Kind:
    """How many files are of one format."""

    format: str
    label: str
    count: int
    percent: float


@dataclass(frozen=True)
class Problem:
    """How often one thing went wrong."""

    error_code: str
    title: str
    count: int


@dataclass(frozen=True)
class PhaseLine:
    """How a phase of the present run stands."""

    phase: str
    name: str
    status: str
    succeeded: int
    failed: int
    duration_ms: int | None

    @property
    def on_essays(self) -> bool:
        """Whether it is done on each essay, and not on all of them together."""
        return isinstance(PHASES[self.phase], EssayPhase)


def results_context(batch: Batch, lines: Sequence[FileLine]) -> dict[str, object]:
    """All that the results page shows of a batch and all its ``lines``, but for its table."""
    findings = stored_findings(batch)
    over = range_of(lengths(lines))
    return {
        "tiles": tiles(counts_of(batch), batch.expected_essay_count, lines),
        "left_out": [line for line in lines if line.stray],
        "histogram": bars(lengths(lines), over),
        "kinds": kinds(lines),
        "common": spelling.common_marks(findings),
        "patterns": patterns(findings),
        "lengths": over,
        "densities": range_of(spelling.densities(lines)),
        "step_times": step_times(batch, lines),
        "sections": measuring.sections(batch, lines),
        "wholes": measuring.of_whole(batch),
        "problems": problems(lines),
        "phases": phase_lines(batch),
    }


def tiles(counts: BatchCounts, expected: int, lines: Sequence[FileLine]) -> Tiles:
    """The headline figures."""
    words, marks = word_counts(lines), [one.value for one in spelling.densities(lines)]
    return Tiles(
        ready=counts.assigned,
        expected=expected,
        median_words=int(rounded(median(words))) if words else None,
        density=median(marks) if marks else None,
        attention=attention(counts),
    )


def word_counts(lines: Iterable[FileLine]) -> list[int]:
    """The lengths in words of the essays in the batch's language."""
    return [int(one.value) for one in lengths(lines)]


def lengths(lines: Iterable[FileLine]) -> list[Of]:
    """These lengths with the numbers of the essays."""
    return [
        Of(line.number, line.words)
        for line in lines
        if line.number is not None and line.words is not None and not line.stray
    ]


def near(figures: Iterable[Of], over: Range | None) -> list[int]:
    """The values without those far from the others, so that one strange essay does not squeeze the rest."""
    far = {one.number for one in over.far} if over else set()
    return [int(one.value) for one in figures if one.number not in far]


def bars(figures: Sequence[Of], over: Range | None) -> list[Bar]:
    """The bars of those near each other; one far from them counts where such a bar stands for it, too."""
    return histogram(near(figures, over), [int(one.value) for one in over.far] if over else [])


def histogram(lengths: Sequence[int], far: Iterable[int] = ()) -> list[Bar]:
    """At most eight bars of one round width from the shortest to the longest; the highest is 100 per cent.

    Those of ``far`` are counted, and draw no bar of their own.
    """
    if not lengths:
        return []
    width = next((one for one in WIDTHS if max(lengths) // one - min(lengths) // one < MOST_BARS), WIDTHS[-1])
    counted = Counter(length // width for length in lengths)
    steps = range(min(counted), max(counted) + 1)
    counted.update(length // width for length in far)
    highest = max(counted[step] for step in steps)
    return [
        Bar(f"{step * width}–{step * width + width - 1}", counted[step], 100 * counted[step] / highest)
        for step in steps
    ]


def kinds(lines: Sequence[FileLine]) -> list[Kind]:
    """The kinds of files that were looked at, most frequent first; those that are none we know are one kind.

    The kind of a file that was never looked into, or not as far as that, is not known.
    """
    counted = Counter(line.kind for line in lines if line.kind)
    return [
        Kind(name, kind_label(name), count, 100 * count / counted.total())
        for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def kind_label(name: str) -> str:
    """A kind of files as people call it."""
    return _("Kind not known") if name == UNREAD else format_words.label(name)


def problems(lines: Iterable[FileLine]) -> list[Problem]:
    """What went wrong, most frequent first."""
    counted = Counter(line.error_code for line in lines if line.error_code)
    return [
        Problem(code, str(words_for(code).title), count)
        for code, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def phase_lines(batch: Batch) -> list[PhaseLine]:
    """Each phase of the present run; before it has concluded, its counts so far."""
    figures = phase_figures(batch)
    so_far = steps_so_far(batch) if any(one.succeeded is None for one in figures.values()) else Counter()
    return [
        PhaseLine(
            phase=phase,
            name=str(PHASES[phase].words.name),
            status=one.status,
            succeeded=so_far[phase, "succeeded"] if one.succeeded is None else one.succeeded,
            failed=so_far[phase, "failed"] if one.failed is None else one.failed,
            duration_ms=one.duration_ms,
        )
        for phase, one in figures.items()
    ]


def steps_so_far(batch: Batch) -> "Counter[tuple[str, str]]":
    """How many essays have each status in each phase, from the results."""
    stored = essay_results(batch).values_list("phases", flat=True)
    return Counter((phase, one["status"]) for phases in stored for phase, one in phases.items())
