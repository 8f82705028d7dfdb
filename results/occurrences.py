"""Where else a marked word is marked: how many essays have it, and the sentences in each."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from batches.models import Batch
from essays.accepted import Accepted, fold
from essays.segments import Mark, Segment, make_marks
from essays.sentences import sentences
from files import content
from results.lines import EssayLine, Phases, essay_line, essay_results
from results.marks import Finding, MarkedWords, checks_of, findings_of_batch


@dataclass(frozen=True)
class InEssay:
    """The sentences of one essay that have the word; ``damaged``: its text cannot be read."""

    line: EssayLine
    sentences: list[list[Segment]]
    times: int
    damaged: bool


@dataclass(frozen=True)
class Occurrences:
    """A word that is marked, as one essay writes it, with what is suggested there, and all who write it."""

    word: str
    suggestions: tuple[str, ...]
    language: str
    essays: list[InEssay]

    @property
    def times(self) -> int:
        """How often it is marked."""
        return sum(each.times for each in self.essays)


def counted_in_essays(batch: Batch, accepted: Accepted, language: str) -> Mapping[str, int]:
    """Folded word → in how many essays it is marked, among those checked as ``language``; one query."""
    rows = checks_of(batch).filter(**of_language(batch, language)).annotate(marked=MarkedWords("output"))
    counted: Counter[str] = Counter()
    for file_id, marked in rows.values_list("slot__file", "marked"):
        accepts = accepted.within(file_id)
        counted.update({fold(word) for word in marked or () if not accepts(word)})
    return counted


def of_language(batch: Batch, language: str) -> dict[str, str]:
    """Which checks are counted together: of one language, or all while the batch has none (``is_stray``)."""
    return {"language": language} if batch.language and language else {}


def with_essays(marks: Iterable[Mark], counted: Mapping[str, int]) -> list[Mark]:
    """The marks, each with the number of essays that have it."""
    return [replace(mark, essays=counted.get(fold(mark.word), 0)) for mark in marks]


def occurrences(batch: Batch, number: int, start: int) -> Occurrences | None:
    """Where the word is marked that essay ``number`` has at ``start``; None when it has no mark there.

    The queries are as many for one essay as for two hundred. Raises ``StorageFailed``.
    """
    here = next((one.slot_id for one in essay_results(batch) if one.slot.number == number), None)
    check = checks_of(batch).filter(slot=here).values_list("language", flat=True).first()
    if here is None or check is None:
        return None
    phases = Phases(batch)
    found = findings_of_batch(batch, phases.accepted, **of_language(batch, check))
    wanted = next((each for each in found.get(here, ()) if each["start"] == start), None)
    if wanted is None:
        return None
    word = fold(wanted["word"])
    return Occurrences(
        word=wanted["word"],
        suggestions=tuple(wanted.get("suggestions", ())),
        language=check,
        essays=essays_with(batch, phases, found, lambda finding: fold(finding["word"]) == word),
    )


def marked_so(batch: Batch, wanted: Callable[[Finding], bool]) -> list[InEssay]:
    """The sentences with the marks that are ``wanted``, of the essays that the batch's figures count.

    Raises ``StorageFailed``.
    """
    phases = Phases(batch)
    found = findings_of_batch(batch, phases.accepted, **of_language(batch, batch.language))
    return essays_with(batch, phases, found, wanted)


def essays_with(
    batch: Batch,
    phases: Phases,
    found: Mapping[UUID, list[Finding]],
    wanted: Callable[[Finding], bool],
) -> list[InEssay]:
    """The essays that have a finding ``wanted``, by number. Raises ``StorageFailed``."""
    having = [result for result in essay_results(batch) if any(map(wanted, found.get(result.slot_id, ())))]
    texts = content.read_texts(result.text_storage_id for result in having)
    return [
        in_essay(
            essay_line(result, batch, phases.of(result)),
            texts.get(result.text_storage_id),
            found[result.slot_id],
            wanted,
        )
        for result in having
    ]


def in_essay(
    line: EssayLine, text: str | None, findings: list[Finding], wanted: Callable[[Finding], bool]
) -> InEssay:
    """One essay with its sentences; ``text`` is None when what is stored is damaged."""
    starts = {finding["start"] for finding in findings if wanted(finding)}
    marks = [mark for mark in make_marks(findings, len(text or "")) if mark.start in starts]
    return InEssay(line, list(sentences(text or "", marks)), len(starts), damaged=text is None)
