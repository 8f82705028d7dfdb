"""All that a teacher sets of a batch, in one decision."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deadline import move
from batches.actions.describing import describe
from batches.actions.places import expect
from batches.models import Batch
from essays.actions.batch_language import change_batch_language, check_batch_language


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is set, None for what stays; ``language`` empty: found from the essays."""

    title: str | None = None
    class_name: str | None = None
    assignment: str | None = None
    language: str | None = None
    expected_essay_count: int | None = None
    deadline: datetime | None = None
    auto_start: bool | None = None

    @property
    def description(self) -> dict[str, str | bool]:
        """What concerns no essay."""
        said = {
            "title": self.title,
            "class_name": self.class_name,
            "assignment": self.assignment,
            "auto_start": self.auto_start,
        }
        return {name: value for name, value in said.items() if value is not None}


def check_settings(batch_id: UUID, settings: Settings) -> None:
    """See that what is set can be carried out, and lock nothing. Raises ``Refused``, ``StorageFailed``."""
    if settings.language is not None:
        check_batch_language(batch_id, settings.language)


@transaction.atomic
def change_settings(batch_id: UUID, user: User, settings: Settings) -> Batch:
    """Set all of it, or nothing: the batch as it is then. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    if settings.deadline is not None:
        batch = move(batch_id, user, settings.deadline)
    if settings.expected_essay_count is not None:
        batch = expect(batch_id, user, settings.expected_essay_count)
    if settings.language is not None:
        batch = change_batch_language(batch_id, user, settings.language)
    return describe(batch_id, user, settings.description) if settings.description else batch
