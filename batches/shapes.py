"""Bodies of the API about batches."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from batches.configuration import MAX_READINESS_SECONDS, Configuration, Step
from batches.models import MAX_ESSAYS
from huleedu.api.shapes import Answer, RequestBody

MAX_ASSIGNMENT = 20_000
Language = Literal["sv", "en"]
BatchStatus = Literal[
    "awaiting_content",
    "ready",
    "processing",
    "completed",
    "completed_with_failures",
    "failed",
    "cancelled",
]


class RegisterBody(RequestBody):
    """A new batch."""

    expected_essay_count: int = Field(ge=1, le=MAX_ESSAYS)
    title: str = Field(default="", max_length=200)
    class_name: str = Field(default="", max_length=80)
    language: Language | None = Field(
        default=None, description="Left out or null: found from the first essays"
    )
    assignment: str = Field(default="", max_length=MAX_ASSIGNMENT)
    configuration: Configuration = Field(default_factory=Configuration)


class RegisteredEssay(Answer):
    """One place for an essay."""

    essay_id: UUID
    number: int


class RegisteredBatch(Answer):
    """The new batch with its places; ``deadline`` is when it is looked at what is missing."""

    batch_id: UUID
    correlation_id: UUID
    essays: list[RegisteredEssay]
    deadline: datetime


class StartBody(RequestBody):
    """Start with the essays that are here."""


class ExtendBody(RequestBody):
    """Move the deadline ``seconds`` on."""

    seconds: int = Field(ge=1, le=MAX_READINESS_SECONDS)


class ExpectBody(RequestBody):
    """The number of essays from now on."""

    expected_essay_count: int = Field(ge=1, le=MAX_ESSAYS)


def as_day(value: object) -> object:
    """A day as JSON can say it, ``2027-12-31``; anything else as it is. Raises ``ValueError``."""
    return date.fromisoformat(value) if isinstance(value, str) else value


class KeepBody(RequestBody):
    """The last day on which the batch is kept, in the school's time zone."""

    until: Annotated[date, BeforeValidator(as_day)]


def as_moment(value: object) -> object:
    """A time as JSON can say it, ``2027-12-31T18:00:00+01:00``; else as it is. Raises ``ValueError``."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class SettingsBody(RequestBody):
    """What is set from now on; whatever is left out stays. ``language`` null: found from the essays."""

    title: str | None = Field(default=None, max_length=200)
    class_name: str | None = Field(default=None, max_length=80)
    assignment: str | None = Field(default=None, max_length=MAX_ASSIGNMENT)
    language: Language | None = Field(default=None, description="null: found from the essays")
    expected_essay_count: int | None = Field(default=None, ge=1, le=MAX_ESSAYS)
    deadline: Annotated[AwareDatetime | None, BeforeValidator(as_moment)] = None
    auto_start: bool | None = Field(default=None, description="Processing begins when the batch is ready")


class BatchSettings(Answer):
    """All that a teacher sets of a batch; ``version`` is for ``If-Match``."""

    title: str
    class_name: str
    assignment: str
    language: Language | None
    language_chosen: bool
    expected_essay_count: int
    deadline: datetime
    auto_start: bool
    version: int


class LanguageBody(RequestBody):
    """The language from now on; null: found from the text, or for a batch from its essays."""

    language: Language | None


class CancelBody(RequestBody):
    """Why the batch is stopped, for its history."""

    reason: str = Field(default="", max_length=500)


class ReprocessBody(RequestBody):
    """The step to run again, the first one when left out."""

    phase: Step | None = None
