"""One essay as a teacher reads it: text with marks, the list of marks, and its neighbours."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from batches.models import Batch
from essays.models import EssayNote
from essays.notes import note_of
from essays.segments import Mark, Segment, make_marks, split
from files import content
from huleedu.answers.error_words import in_words
from huleedu.answers.rounding import rounded
from huleedu.failures.errors import ContentDamaged
from results import measuring
from results.lines import EssayLine, Phases, essay_line, essay_results
from results.marks import SPELLCHECK, findings_of
from results.models import EssayResult
from results.occurrences import counted_in_essays, with_essays
from results.table import Asked, headings, in_order, rows_of

ALL = Asked()


@dataclass(frozen=True)
class Spelling:
    """How the check of an essay's spelling ended.

    ``count`` is None before that; ``error`` is in words. ``checked_again``: the marks are those of another
    language, in which it was checked before.
    """

    is_marked: bool
    count: int | None
    fewer_suggestions: bool
    error: str
    checked_again: bool


@dataclass(frozen=True)
class Reading:
    """What the essay page shows. Numbers are essay numbers; ``position`` counts the essays that are here.

    ``median_words`` is that of the essays in the batch's language.
    An essay whose stored text is ``damaged`` has neither paragraphs nor findings.
    """

    essay: EssayLine
    found_language: str
    chosen_language: str
    damaged: bool
    paragraphs: list[list[Segment]]
    findings: list[Mark]
    spelling: Spelling
    panels: list[measuring.Panel]
    own_note: EssayNote
    median_words: int | None
    previous_number: int | None
    next_number: int | None
    position: int
    total: int


def read_essay(batch: Batch, number: int, asked: Asked = ALL) -> Reading | None:
    """Essay ``number`` of the batch, or None when there is none; its neighbours are those of the table.

    One that the table is not asked for has all as its neighbours. Raises ``StorageFailed``.
    """
    results = {result.slot.number: result for result in essay_results(batch)}
    result = results.get(number)
    if result is None:
        return None
    phases = Phases(batch)
    lines = {each: essay_line(other, batch, phases.of(other)) for each, other in results.items()}
    essay = lines[number]
    text = readable_text(result)
    marks = [] if text is None else make_marks(findings_of(result, phases.accepted), len(text))
    if marks:
        checked = str(essay.phases.get(SPELLCHECK, {}).get("language") or essay.language)
        marks = with_essays(marks, counted_in_essays(batch, phases.accepted, checked))
    numbers = order_of(batch, lines.values(), asked, number)
    index = numbers.index(number)
    return Reading(
        essay=essay,
        found_language=result.file.language,
        chosen_language=result.file.chosen_language,
        damaged=text is None,
        paragraphs=[paragraph for paragraph in split(text or "", marks) if paragraph],
        findings=marks,
        spelling=spelling_of(essay, batch),
        median_words=median_words(lines.values()),
        panels=measuring.panels(batch, essay, lines.values()),
        own_note=note_of(result.file),
        previous_number=numbers[index - 1] if index else None,
        next_number=numbers[index + 1] if index + 1 < len(numbers) else None,
        position=index + 1,
        total=len(numbers),
    )


def order_of(batch: Batch, lines: Iterable[EssayLine], asked: Asked, number: int) -> list[int]:
    """The numbers of the essays in the order of the table, ``number`` among them."""
    every, known = list(lines), headings(batch)
    numbers = [line.number for line in rows_of(every, asked, known)]
    return numbers if number in numbers else [line.number for line in in_order(every, asked.sort, known)]


def median_words(lines: Iterable[EssayLine]) -> int | None:
    """How long an essay of the class is, None while no essay is in the batch's language."""
    words = [line.words for line in lines if line.words is not None and not line.stray]
    return int(rounded(median(words))) if words else None


def readable_text(result: EssayResult) -> str | None:
    """The result's text, or None when what is stored is damaged. Raises ``StorageFailed``."""
    try:
        return content.read_text(result.text_storage_id)
    except ContentDamaged:
        return None


def spelling_of(essay: EssayLine, batch: Batch) -> Spelling:
    """What is kept of the essay's check."""
    checked = essay.phases.get(SPELLCHECK, {})
    return Spelling(
        is_marked=SPELLCHECK in batch.settings.steps,
        count=checked.get("findings"),
        fewer_suggestions=bool(checked.get("fewer_suggestions")),
        error=in_words(checked.get("error")),
        checked_again=(checked.get("language") or essay.language) != essay.language,
    )
