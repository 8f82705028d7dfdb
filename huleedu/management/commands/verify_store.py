"""``manage.py verify_store``: hold every stored content against its hash; exit code 1 when one differs."""

import sys

from django.core.management.base import BaseCommand, CommandError

from files.models import StoredContent
from files.verification import Damaged, find_damage
from huleedu.failures.errors import StorageFailed


class Command(BaseCommand):
    """Verifies once; ids only, never names."""

    help = (
        "Hold every stored file and text against its hash and name those that are missing or changed; "
        "exit status 1 if there are any."
    )

    def handle(self, **_options: object) -> None:
        damaged = 0
        try:
            for found in find_damage():
                damaged += 1
                self.stdout.write(line_for(found))
        except StorageFailed as error:
            raise CommandError("The store does not answer. Run this again when it does.") from error
        self.stdout.write(f"{StoredContent.objects.count()} contents, {damaged} damaged.")
        if damaged:
            sys.exit(1)


def line_for(found: Damaged) -> str:
    """One damaged content for whoever runs HuleEdu."""
    files = " ".join(str(file_id) for file_id in found.file_upload_ids) or "none"
    return f"{found.damage} {found.kind} {found.content_id} batch {found.batch_id} files {files}"
