"""Bringing back what was removed or replaced, while there is time."""

from django.contrib.auth.models import User

from files.actions import removing, replacing
from files.models import FileUpload
from huleedu.failures.errors import Refused


def restore(upload: FileUpload, user: User, what: str | None = None) -> FileUpload:
    """Bring the removed file back, or what the file was before it was replaced; it is read again.

    With ``what``, "removed" or "replaced", only that: a removed file that is back already stays as it is.
    Raises ``Refused``, also when it is too late, and ``StorageFailed``: then all stays as it is.
    """
    is_removed = upload.status == FileUpload.Status.REMOVED
    if is_removed and what == "replaced":
        raise Refused("FILE_REMOVED")
    if is_removed:
        return removing.restore(upload, user)
    if what == "removed":
        return upload
    return replacing.put_back(upload, user)
