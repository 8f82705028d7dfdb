"""``manage.py make_backup_key FILE``: a secret key that opens backups, and a public one to encrypt them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from huleedu.backup import sealing


class Command(BaseCommand):
    """Writes the secret key to FILE and the public one to FILE.pub; never over files that are there."""

    help = (
        "Make a pair of age keys: one that encrypts backups, and one that opens them. "
        "Example: manage.py make_backup_key backup-key.txt"
    )
    requires_system_checks: list[Any] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where the secret key goes; the public one beside it")

    def handle(self, file: Path, **_options: object) -> None:
        public = file.with_name(f"{file.name}.pub")
        try:
            if public.exists():
                raise FileExistsError(None, "it is there already", str(public))
            key = sealing.make_keys(file)
            public.write_text(f"{key}\n")
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror or 'it is there already'}.") from error
        self.stdout.write(
            f"{public} encrypts backups and may lie on the server. {file} opens them: keep it elsewhere, "
            "and a copy on paper. Without it nobody can read a backup."
        )
