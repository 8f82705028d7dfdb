"""What stops a backup, a restore or a move, in words for whoever runs the command."""

import psycopg
from django.db import DatabaseError, InterfaceError

from huleedu.archive import Foreign
from huleedu.errors import StorageFailed, Unfit, is_out_of_room
from huleedu.later_erasures import NotTold
from huleedu.places import InstallationError
from huleedu.postgres_tools import ToolFailed
from huleedu.restoring import CannotRestore
from huleedu.sealing import Damaged, WrongKey

TOLD = (
    Unfit,
    ToolFailed,
    InstallationError,
    CannotRestore,
    NotTold,
    Foreign,
    WrongKey,
)  # their message says it all
DATABASE = (DatabaseError, InterfaceError, psycopg.Error)
EXPECTED = (*TOLD, *DATABASE, StorageFailed, Damaged, OSError)


def in_words(error: BaseException) -> str:
    """One of ``EXPECTED`` in a sentence or two."""
    if isinstance(error, DATABASE):
        return f"The database does not answer as it should: {error}"
    if isinstance(error, StorageFailed):
        if is_out_of_room(error):
            return "There is no room left in the content store."
        return "The content store does not answer. Run this again when it does."
    if isinstance(error, Damaged):
        return f"The backup is damaged or not whole: {error}."
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if is_out_of_room(error):
            return f"There is no room left on the disk{where}."
        return f"{error.strerror or error}{where}."
    return str(error)
