"""What the results page says about a batch: figures, kinds, problems, measures of its phases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from batches.models import Batch
from files.steps.format import UNKNOWN
from huleedu.answers import format_words
from huleedu.answers.error_words import words_for
from huleedu.events.phases import PHASES
from results import measuring, spelling
from results.lines import FileLine, essay_results
from results.marks import stored_findings
from results.queries import attention, counts_of, phase_figures
from results.shapes import BatchCounts

MOST_BARS = 8
WIDTHS = (25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10_000)


@dataclass(frozen=True)
class Tiles:
    """The headline figures; ``median_words`` and ``density`` (marks per 100 words) are None if not known.

    These two are of the essays in the batch's language.
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

    name: str
    status: str
    succeeded: int
    failed: int
    duration_ms: int | None


def results_context(batch: Batch, lines: Sequence[FileLine]) -> dict[str, object]:
    """All that the results page shows of a batch and all its ``lines``, but for its table."""
    return {
        "tiles": tiles(counts_of(batch), batch.expected_essay_count, lines),
        "left_out": [line for line in lines if line.stray],
        "histogram": histogram(word_counts(lines)),
        "kinds": kinds(lines),
        "common": spelling.common_marks(stored_findings(batch)),
        "sections": measuring.sections(batch, lines),
        "wholes": measuring.of_whole(batch),
        "problems": problems(lines),
        "phases": phase_lines(batch),
    }


def tiles(counts: BatchCounts, expected: int, lines: Sequence[FileLine]) -> Tiles:
    """The headline figures."""
    lengths = word_counts(lines)
    return Tiles(
        ready=counts.assigned,
        expected=expected,
        median_words=round(median(lengths)) if lengths else None,
        density=spelling.density(lines),
        attention=attention(counts),
    )


def word_counts(lines: Iterable[FileLine]) -> list[int]:
    """The lengths in words of the essays in the batch's language."""
    return [
        line.words for line in lines if line.number is not None and line.words is not None and not line.stray
    ]


def histogram(lengths: Sequence[int]) -> list[Bar]:
    """At most eight bars of one round width from the shortest to the longest; the highest is 100 per cent."""
    if not lengths:
        return []
    width = next((one for one in WIDTHS if max(lengths) // one - min(lengths) // one < MOST_BARS), WIDTHS[-1])
    counted = Counter(length // width for length in lengths)
    highest = max(counted.values())
    return [
        Bar(f"{step * width}–{step * width + width - 1}", counted[step], 100 * counted[step] / highest)
        for step in range(min(counted), max(counted) + 1)
    ]


def kinds(lines: Sequence[FileLine]) -> list[Kind]:
    """The kinds of files, most frequent first; files that were never recognised are one kind."""
    counted = Counter(line.format or UNKNOWN for line in lines)
    return [
        Kind(name, format_words.label(name), count, 100 * count / len(lines))
        for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


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
