"""Bodies of the API about essays."""

from typing import Literal
from uuid import UUID

from huleedu.api.shapes import Answer
from huleedu.events.vocabulary import ErrorDetail

EssayStatus = Literal["awaiting_content", "ready", "processing", "completed", "failed"]
StepStatus = Literal["awaiting", "running", "succeeded", "failed"]


class Finding(Answer):
    """One word that may be wrong; ``start`` and ``end`` count characters of the text."""

    start: int
    end: int
    word: str
    suggestions: list[str]
    kind: str


class Spellcheck(Answer):
    """The spelling check of the essay's present text.

    ``fewer_suggestions``: it has more unknown words than a check has time for, so some have no suggestions or
    simpler ones; all are marked.
    """

    status: StepStatus
    findings: list[Finding]
    corrected_text: str | None
    words: int | None
    density: float | None
    fewer_suggestions: bool | None
    language: str | None
    error: ErrorDetail | None


class EssayAnswer(Answer):
    """One essay with its text; everything about the text is null while there is none.

    ``language`` is what the essay is in: chosen by the teacher, else ``found_language``, else the batch's
    (codes of BCP 47, ``und`` for one without a name here, null when nothing shows it).
    ``other_language``: not the batch's.
    """

    essay_id: UUID
    number: int
    batch_id: UUID
    file_upload_id: UUID | None
    filename: str | None
    folder: str | None
    language: str | None
    language_chosen: bool
    found_language: str | None
    other_language: bool
    status: EssayStatus
    text: str | None
    text_storage_id: UUID | None
    words: int | None
    characters: int | None
    spellcheck: Spellcheck | None
