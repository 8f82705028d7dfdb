"""Bringing back what was removed or replaced, while there is time."""

from django.contrib.auth.models import User

from files.actions import removing, replacing
from files.models import FileUpload


def restore(upload: FileUpload, user: User) -> FileUpload:
    """Bring the removed file back, or what the file was before it was replaced; it is read again.

    Raises ``Refused``, also when it is too late, and ``StorageFailed``: then all stays as it is.
    """
    if upload.status == FileUpload.Status.REMOVED:
        return removing.restore(upload, user)
    return replacing.put_back(upload, user)
