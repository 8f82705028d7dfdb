"""Making an export once more after it was given up."""

from uuid import UUID

from django.contrib.auth.models import User

from huleedu.failures.errors import Refused
from huleedu.models import DeadLetter
from results.actions import exporting
from results.models import Export


def check(letter: DeadLetter) -> None:
    """Raise ``Refused`` when somebody has asked for the export anew, or it is gone."""
    subject, attempt = letter.envelope["subject_id"], letter.envelope["revision"]
    if not Export.objects.filter(pk=subject, attempt=attempt, status=Export.Status.FAILED).exists():
        raise Refused("DEAD_LETTER_OUTDATED")


def repeat(letter: DeadLetter, user: User) -> None:
    """Have it made once more. Raises ``Refused``."""
    check(letter)
    exporting.ask_again(UUID(letter.envelope["subject_id"]))
