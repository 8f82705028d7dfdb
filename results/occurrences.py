"""Where else a marked word is marked: how many essays have it, and the sentences in each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

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
    results = {result.slot_id: result for result in essay_results(batch)}
    here = next((slot_id for slot_id, result in results.items() if result.slot.number == number), None)
    check = checks_of(batch).filter(slot=here).values_list("language", flat=True).first()
    if here is None or check is None:
        return None
    phases = Phases(batch)
    found = findings_of_batch(batch, phases.accepted, **of_language(batch, check))
    wanted = next((each for each in found.get(here, ()) if each["start"] == start), None)
    if wanted is None:
        return None
    word = fold(wanted["word"])
    having = [
        result
        for slot_id, result in results.items()
        if any(fold(each["word"]) == word for each in found.get(slot_id, ()))
    ]
    texts = content.read_texts(result.text_storage_id for result in having)
    return Occurrences(
        word=wanted["word"],
        suggestions=tuple(wanted.get("suggestions", ())),
        language=check,
        essays=[
            in_essay(
                essay_line(result, batch, phases.of(result)),
                texts.get(result.text_storage_id),
                found[result.slot_id],
                word,
            )
            for result in having
        ],
    )


def in_essay(line: EssayLine, text: str | None, findings: list[Finding], word: str) -> InEssay:
    """One essay with its sentences; ``text`` is None when what is stored is damaged."""
    times = sum(fold(each["word"]) == word for each in findings)
    marks = [mark for mark in make_marks(findings, len(text or "")) if fold(mark.word) == word]
    return InEssay(line, list(sentences(text or "", marks)), times, damaged=text is None)
