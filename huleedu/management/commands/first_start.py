"""``manage.py first_start``: bring the database up to date and, on an empty one, make the first accounts."""

import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from huleedu.accounts.life import FIRST_ROLES, create_account, random_password
from huleedu.failures.errors import Unfit
from huleedu.fit.fitting import EXIT_UNFIT
from huleedu.fit.installation import check_key
from huleedu.machine.migrated import FITTING
from huleedu.postgres.database_schema import check_schema
from huleedu.web.static_files import HashedFiles, collect

FILE_NAME = "first-sign-in.txt"


class Command(BaseCommand):
    """Migrates; without any account it makes one for each role and writes them to a private file.

    Ends with 78 when the key is not the installation's, or the database is newer than this code.
    """

    help = (
        "Prepare database and static files; at first also make two accounts, written to first-sign-in.txt. "
        "The command run does this by itself."
    )

    def handle(self, **_options: object) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            check_schema()
            check_key()
        except Unfit as error:
            raise CommandError(str(error), returncode=EXIT_UNFIT) from error
        self.prepare_static_files()
        if get_user_model().objects.exists():
            return
        settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = settings.VAR_DIR / FILE_NAME
        create_first_accounts(path)
        self.stdout.write(f"The first two accounts are in {path}")

    def prepare_static_files(self) -> None:
        """Hash and compress them once for each release; without room for that they are served as they are."""
        fitting = settings.VAR_DIR / FITTING
        try:
            fitting.unlink(missing_ok=True)
            collect()
        except OSError as error:
            self.stderr.write(f"Static files stay uncompressed: {error.strerror} ({settings.STATIC_ROOT})")
            return
        with suppress(OSError):  # then the next start looks again
            fitting.write_text(HashedFiles().stamp().read_text())


def create_first_accounts(path: Path) -> None:
    """Make the accounts named in ``path``, which is written first: killed in between, the next start goes on
    with the same passwords and none is lost."""
    accounts = _read(path) or _write(path)
    with transaction.atomic():
        for role, (username, password) in zip(FIRST_ROLES, accounts, strict=True):
            create_account(role, username, password)


def _read(path: Path) -> list[tuple[str, str]]:
    """The accounts of a whole file, one for each role; empty when the file is missing or something else."""
    if not path.exists():
        return []
    words = [line.split() for line in path.read_text().splitlines()]
    whole = all(len(line) == 3 for line in words) and [line[0] for line in words] == list(FIRST_ROLES)
    return [(username, password) for _role, username, password in words] if whole else []


def _write(path: Path) -> list[tuple[str, str]]:
    accounts = [(str(role), random_password()) for role in FIRST_ROLES]
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name} {name} {password}\n" for name, password in accounts)
        file.flush()
        os.fsync(descriptor)
    partial.replace(path)
    return accounts
