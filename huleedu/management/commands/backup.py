"""``manage.py backup FILE-or-FOLDER``: the database and the content as they are now, in one file."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pyrage
from django.core.management.base import BaseCommand, CommandError

from huleedu.answers.measures import size_in_words
from huleedu.backup import backups, drill, sealing
from huleedu.backup.backup_words import EXPECTED, in_words
from huleedu.backup.backups import Taken
from huleedu.backup.sealing import WrongKey
from huleedu.failures.failpoints import failpoint
from huleedu.machine.new_file import clear, new_file, partial_of

NOT_WRITTEN = 2
KEY_TOLD = {
    True: "The signing key (SECRET_KEY) is in it: whoever opens it can sign in as anybody.",
    False: "Not in it: the signing key, settings, passwords of servers, sessions, logs. Keep your settings "
    "apart from it.",
}


class Command(BaseCommand):
    """Takes one backup. 0: it is there; 1: it is there, but content is damaged; 2: it is not."""

    help = (
        "Write a backup into a file, or into a folder under a name with its time; while HuleEdu runs. "
        "Example: manage.py backup /mnt/backups --verify --keep 14"
    )
    requires_system_checks: list[Any] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("where", type=Path, metavar="FILE-or-FOLDER", help="where it goes")
        parser.add_argument(
            "--key-file", type=Path, metavar="FILE", help="encrypt for the age keys in it (make_backup_key)"
        )
        parser.add_argument("--with-key", action="store_true", help="put the signing key in, too")
        parser.add_argument("--verify", action="store_true", help="restore it into a throwaway database")
        parser.add_argument(
            "--keep", type=int, metavar="N", help="then remove all but the newest N backups in the folder"
        )

    def handle(
        self,
        where: Path,
        key_file: Path | None,
        with_key: bool,
        verify: bool,
        keep: int | None,
        **_options: object,
    ) -> None:
        where = where.absolute()
        refuse_contradictions(where, key_file, verify, with_key, keep)
        final = backups.name_in(where, encrypted=key_file is not None)
        try:
            recipients = sealing.public_keys(key_file) if key_file else []
            if where.is_dir():
                clear_leftovers(where)
            taken = self.take(final, recipients, key_file, verify=verify, with_key=with_key)
        except EXPECTED as error:
            raise failed(in_words(error)) from error
        self.tell(final, taken, with_key=with_key)
        if taken.damaged:
            self.stderr.write(
                f"{len(taken.damaged)} contents were missing or changed in the store and are not in it: "
                "python manage.py verify_store says which. Older backups may have them; none was removed."
            )
            sys.exit(1)
        if keep is not None:
            for old in backups.leave_newest(where, keep):
                self.stdout.write(f"Removed: {old}")

    def take(
        self,
        final: Path,
        recipients: list[pyrage.x25519.Recipient],
        key_file: Path | None,
        *,
        verify: bool,
        with_key: bool,
    ) -> Taken:
        """Write it, try it if asked to, give it its name and record it. Raises what its parts raise."""
        with new_file(final) as file:
            taken = backups.take(file, recipients, folder=final.parent, with_key=with_key)
            file.flush()
            taken.size = file.tell()
            if verify:
                drill.verify(partial_of(final), key_file)
                taken.verified = True
            failpoint("backup.before_name")
        backups.record(taken)
        return taken

    def tell(self, final: Path, taken: Taken, *, with_key: bool) -> None:
        """What was done, in words."""
        how = "encrypted" if taken.encrypted else "NOT encrypted: keep it where only you can read it"
        tried = (
            "restored into a throwaway database and compared" if taken.verified else "not tried (--verify)"
        )
        self.stdout.write(
            f"{final}: {size_in_words(taken.size)} ({taken.size} bytes), {how}; {tried}.\n"
            f"The database and {taken.contents - len(taken.erased) - len(taken.damaged)} contents "
            f"({taken.content_bytes} bytes) as of {taken.moment:%Y-%m-%d %H:%M:%S %Z}, in "
            f"{time.monotonic() - taken.began:.1f} s.\n{KEY_TOLD[with_key]}"
        )


def failed(words: str) -> CommandError:
    """No backup was written."""
    return CommandError(f"No backup was written. {words}", returncode=NOT_WRITTEN)


def refuse_contradictions(
    where: Path, key_file: Path | None, verify: bool, with_key: bool, keep: int | None
) -> None:
    """Raises CommandError for options that do not go together."""
    if keep is not None and (keep < 1 or not where.is_dir()):
        raise failed("--keep wants a number of 1 or more, and a folder to write into.")
    if with_key and not backups.has_key():
        raise failed("--with-key: this command does not know the signing key. Set SECRET_KEY.")
    if verify and key_file is not None:
        try:
            sealing.secret_keys(key_file)
        except WrongKey as error:
            raise failed(
                f"--verify opens the backup again, so --key-file must hold the secret key. {error} Or try "
                "the backup where the secret key is: manage.py restore --check"
            ) from error


def clear_leftovers(folder: Path) -> None:
    """Remove what backups that were killed left in ``folder``; those that are being written stay."""
    for partial in folder.glob(backups.PARTIALS):
        try:
            clear(partial)
        except FileExistsError:
            continue
