"""What pages show of the spelling of an essay and of a whole batch, beside the figures of every phase."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F

from batches.models import Batch
from essays.models import StepRun
from essays.phases import spellcheck
from files.models import FileUpload
from results.lines import Line
from results.models import EssayResult

SPELLCHECK = spellcheck.PHASE.name
COMMON_LIMIT = 15


@dataclass(frozen=True)
class CommonMark:
    """A word that is marked often, with the suggestion given most often, or an empty one."""

    word: str
    suggestion: str
    count: int


def density(lines: Iterable[Line]) -> float | None:
    """Marks per 100 words over the checked essays in the batch's language; None before the first."""
    checked = [
        (line.words, line.phases[SPELLCHECK]["findings"])
        for line in lines
        if line.words and not line.stray and line.phases.get(SPELLCHECK, {}).get("findings") is not None
    ]
    words = sum(words for words, _ in checked)
    return 100 * sum(findings for _, findings in checked) / words if words else None


def counted_findings(**of: Any) -> dict[UUID, list[dict[str, Any]]]:
    """The spelling findings that count, by the essays that were checked; ``of`` narrows the runs. One query.

    Pages, exports and figures of a class ask here, and nowhere else, so that all say the same.
    """
    runs = StepRun.objects.filter(
        phase=SPELLCHECK,
        status=StepRun.Status.SUCCEEDED,
        revision=F("slot__result__revision"),
        text_storage_id=F("slot__result__text_storage_id"),
        **of,
    )
    return {slot_id: found or [] for slot_id, found in runs.values_list("slot_id", "output__findings")}


def findings_of(result: EssayResult) -> list[dict[str, Any]]:
    """The spelling findings that this result counts."""
    return counted_findings(slot_id=result.slot_id).get(result.slot_id, [])


def findings_of_batch(batch: Batch, **of: Any) -> dict[UUID, list[dict[str, Any]]]:
    """The spelling findings that the batch's essays count, of each that was checked."""
    return counted_findings(slot__batch=batch, slot__file__status=FileUpload.Status.ASSIGNED, **of)


def stored_findings(batch: Batch) -> list[Mapping[str, Any]]:
    """The spelling findings that the results of essays in the batch's language count, by one query.

    Of all essays while the batch has none, as everywhere (``is_stray``).
    """
    of_class = {"language": batch.language} if batch.language else {}
    return [finding for found in findings_of_batch(batch, **of_class).values() for finding in found]


def common_marks(findings: Iterable[Mapping[str, Any]], limit: int = COMMON_LIMIT) -> list[CommonMark]:
    """The words marked most often, in any case."""
    written: dict[str, Counter[str]] = defaultdict(Counter)
    suggested: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        word = finding["word"].casefold()
        written[word][finding["word"]] += 1
        suggested[word].update(finding["suggestions"][:1])
    ranked = sorted(written, key=lambda word: (-written[word].total(), word))[:limit]
    return [
        CommonMark(first(written[word]), first(suggested[word]), written[word].total()) for word in ranked
    ]


def first(counted: "Counter[str]") -> str:
    """The most frequent one; the first by name among equals; empty when there is none."""
    return min(counted, key=lambda text: (-counted[text], text), default="")
