"""Which marks of the spelling check count: all but those on words that are accepted. Everybody asks here."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import F, Func, JSONField, QuerySet

from batches.models import Batch
from essays.accepted import Accepted, accepted_in
from essays.models import StepRun
from essays.phases import spellcheck
from essays.steps.findings import density
from files.models import FileUpload
from results.models import EssayResult

SPELLCHECK = spellcheck.PHASE.name
Finding = Mapping[str, Any]


class MarkedWords(Func):
    """The words of a check's findings."""

    template = "jsonb_path_query_array(%(expressions)s, '$.findings[*].word')"
    output_field = JSONField()


def checks(**of: Any) -> QuerySet[StepRun]:
    """The spelling checks that results count; ``of`` narrows them."""
    return StepRun.objects.filter(
        phase=SPELLCHECK,
        status=StepRun.Status.SUCCEEDED,
        revision=F("slot__result__revision"),
        text_storage_id=F("slot__result__text_storage_id"),
        **of,
    )


def checks_of(batch: Batch) -> QuerySet[StepRun]:
    """Those of the batch's essays."""
    return checks(slot__batch=batch, slot__file__status=FileUpload.Status.ASSIGNED)


def counted(findings: Iterable[Finding] | None, accepts: Callable[[str], bool]) -> list[Finding]:
    """The findings that count."""
    return [finding for finding in findings or () if not accepts(finding["word"])]


def findings_of(result: EssayResult, accepted: Accepted) -> list[Finding]:
    """The spelling findings that this result counts."""
    runs = checks(slot=result.slot_id)
    return counted(runs.values_list("output__findings", flat=True).first(), accepted.within(result.file_id))


def stored_findings(batch: Batch) -> list[Finding]:
    """The spelling findings that the results of essays in the batch's language count, by three queries.

    Of all essays while the batch has none, as everywhere (``is_stray``). Each has its essay's ``number``.
    """
    of_class = {"language": batch.language} if batch.language else {}
    found = findings_of_batch(batch, accepted_in(batch), **of_class)
    numbers = dict(batch.slots.values_list("pk", "number"))
    return [
        {**finding, "number": numbers[slot_id]} for slot_id, findings in found.items() for finding in findings
    ]


def findings_of_batch(batch: Batch, accepted: Accepted, **of: str) -> dict[UUID, list[Finding]]:
    """Slot id → the spelling findings that count, of each essay checked; ``of`` narrows them."""
    rows = checks_of(batch).filter(**of).values_list("slot", "slot__file", "output__findings")
    return {slot_id: counted(findings, accepted.within(file_id)) for slot_id, file_id, findings in rows}


def figures_without(batch: Batch, accepted: Accepted) -> dict[UUID, dict[str, float]]:
    """Slot id → the figures that are others without marks on accepted words; one query, or none."""
    if not accepted:
        return {}
    figures = {}
    checks = checks_of(batch).annotate(marked=MarkedWords("output"))
    for slot_id, file_id, marked, words in checks.values_list(
        "slot", "slot__file", "marked", "output__words"
    ):
        if marked is None:
            continue  # erased
        accepts = accepted.within(file_id)
        left = sum(not accepts(word) for word in marked)
        if left != len(marked):
            figures[slot_id] = {"findings": left, "density": density(left, words or 0)}
    return figures
