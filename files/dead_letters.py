"""Reading a file again after it was given up."""

from django.contrib.auth.models import User

from batches.models import Batch
from files.actions.rereading import begin_reread, check_reread
from files.models import FileUpload
from huleedu.failures.errors import Refused
from huleedu.models import DeadLetter


def check(letter: DeadLetter) -> None:
    """Make sure that the file can be read, and lock nothing. Raises ``Refused`` and ``StorageFailed``."""
    check_reread(unread_file(letter))


def repeat(letter: DeadLetter, user: User) -> None:
    """Read it once more, as a repeat by ``user``. Raises ``Refused``."""
    upload = unread_file(letter)
    Batch.objects.locked(upload.batch_id)
    begin_reread(unread_file(letter), user)


def unread_file(letter: DeadLetter) -> FileUpload:
    """The file that could not be read. Raises ``Refused`` when it has moved on since.

    One that was an essay already still is, with the error of reading it again.
    """
    upload = FileUpload.objects.filter(pk__in=[letter.file_upload_id]).first()
    if (
        upload is None
        or upload.status not in {FileUpload.Status.FAILED, FileUpload.Status.ASSIGNED}
        or upload.error is None
        or upload.revision != letter.envelope["revision"]
    ):
        raise Refused("DEAD_LETTER_OUTDATED")
    return upload
