"""Bodies of the API about essays."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from essays.models import MAX_NOTE, MAX_WORD
from huleedu.api.phase_fields import field_per_phase
from huleedu.api.shapes import Answer, RequestBody
from huleedu.events.phases import essay_phases

Scope = Literal["essay", "batch", "always"]
EssayStatus = Literal["awaiting_content", "ready", "processing", "completed", "failed"]


@field_per_phase(essay_phases, lambda phase: phase.shape)
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
    read: bool
    note: str
    note_version: int


class AcceptBody(RequestBody):
    """``accepted``: the word is no error within ``scope``; false: it is marked again."""

    word: str = Field(min_length=1, max_length=MAX_WORD)
    scope: Scope
    accepted: bool = True


class NoteBody(RequestBody):
    """What to change: the private note on the essay, and whether it is read."""

    note: str | None = Field(default=None, max_length=MAX_NOTE)
    read: bool | None = None


class NoteAnswer(Answer):
    """A teacher’s private note on an essay, and whether she has read it; ``version`` is for ``If-Match``."""

    essay_id: UUID
    batch_id: UUID
    file_upload_id: UUID
    note: str
    read: bool
    version: int
