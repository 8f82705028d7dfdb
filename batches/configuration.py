"""How one batch is processed: validated, frozen, stored with the batch."""

from typing import Annotated, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from huleedu.events.choices import OneOf
from huleedu.events.phases import PHASES

Step = Annotated[str, OneOf(lambda: PHASES)]
Priority = Literal["LOW", "NORMAL", "HIGH"]
MAX_READINESS_SECONDS: int = settings.MAX_READINESS_SECONDS


def default_steps() -> list[Step]:
    """The steps of a batch that names none."""
    return [phase.name for phase in PHASES.values() if phase.by_default]


class Configuration(BaseModel):
    """Times in seconds; ``steps`` in the order in which they run; ``auto_start`` begins at readiness."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    readiness_seconds: int = Field(
        default_factory=lambda: settings.READINESS_SECONDS, ge=1, le=MAX_READINESS_SECONDS
    )
    timeout_seconds: int = Field(default=300, ge=1, le=300)
    max_retries: int = Field(default=3, ge=0, le=10)
    partial_batch_threshold: float = Field(default=0.8, ge=0, le=1)
    priority: Priority = "NORMAL"
    steps: list[Step] = Field(default_factory=default_steps, max_length=10)
    auto_start: bool = True
