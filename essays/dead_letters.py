"""Running a step once more after it was given up."""

from uuid import UUID

from django.contrib.auth.models import User

from batches.models import Batch
from essays.actions import repeating_batch_wide
from essays.actions.repeating import begin_repeat, check_repeat
from files.models import FileUpload
from huleedu.failures.errors import Refused
from huleedu.models import DeadLetter


def check(letter: DeadLetter) -> None:
    """Make sure that the text can be read, and lock nothing. Raises ``Refused`` and ``StorageFailed``."""
    check_repeat(essay_of(letter), letter.event_type)


def repeat(letter: DeadLetter, user: User) -> None:
    """Order the step once more, as a repeat by ``user``. Raises ``Refused``."""
    upload = essay_of(letter)
    Batch.objects.locked(upload.batch_id)
    begin_repeat(essay_of(letter), user, letter.event_type)


def essay_of(letter: DeadLetter) -> FileUpload:
    """The file on whose text the step failed, with its slot. Raises ``Refused`` when it has moved on."""
    upload = FileUpload.objects.select_related("slot").filter(pk__in=[letter.file_upload_id]).first()
    slot = upload.slot if upload else None
    if (
        upload is None
        or slot is None
        or str(slot.pk) != letter.envelope["subject_id"]
        or slot.revision != letter.envelope["revision"]
    ):
        raise Refused("DEAD_LETTER_OUTDATED")
    return upload


def check_batch_wide(letter: DeadLetter) -> None:
    """Whether a step on the whole batch may run once more. Raises ``Refused``."""
    batch = Batch.objects.still_there(UUID(letter.envelope["subject_id"]))
    if batch.run != letter.envelope["revision"]:
        raise Refused("DEAD_LETTER_OUTDATED")
    repeating_batch_wide.check_repeat(batch, letter.event_type)


def repeat_batch_wide(letter: DeadLetter, user: User) -> None:
    """Run the batch once more, by ``user``. Raises ``Refused``."""
    check_batch_wide(letter)
    repeating_batch_wide.begin_repeat(UUID(letter.envelope["subject_id"]), user, letter.event_type)
