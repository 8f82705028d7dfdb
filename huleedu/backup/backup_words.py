"""What stops a backup, a restore or a move, in words for whoever runs the command."""

import os
import pwd

import psycopg
from django.db import DatabaseError, InterfaceError

from huleedu.backup.archive import Foreign
from huleedu.backup.postgres_tools import ToolFailed
from huleedu.backup.restoring import CannotRestore
from huleedu.backup.sealing import Damaged, WrongKey
from huleedu.failures.errors import StorageFailed, Unfit, is_out_of_room
from huleedu.forgetting.later_erasures import NotTold
from huleedu.machine.places import InstallationError

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


def whose_rights() -> str:
    """Under whom this command works, which root who started it may not expect."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return (
        f"This command works as the user {name}: give that user the file (chown), or a folder of its own "
        f"(install --directory --owner {name} --mode 0700 FOLDER)."
    )


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
        if isinstance(error, PermissionError):
            return f"{error.strerror}{where}. {whose_rights()}"
        if is_out_of_room(error):
            return f"There is no room left on the disk{where}."
        return f"{error.strerror or error}{where}."
    unreadable = isinstance(error.__cause__, PermissionError)
    return f"{error} {whose_rights()}" if unreadable else str(error)
