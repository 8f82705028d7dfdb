"""Erase again what was erased, after a restored backup."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from huleedu.accounts import erasures
from huleedu.failures.errors import StorageFailed
from huleedu.fit.installation import current
from huleedu.forgetting import later_erasures, repeating
from huleedu.forgetting.later_erasures import NotTold, Sources
from huleedu.postgres import standstill
from huleedu.postgres.standstill import AWAITING, Mark


class Command(BaseCommand):
    """``manage.py repeat_erasures [--old-store FOLDER] [--ledger FILE] [--export FILE]``."""

    help = (
        "Erase again all that was erased before: run it after a backup was restored. "
        "Example: manage.py repeat_erasures --ledger erased.txt"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where else to read, or where to write instead."""
        later_erasures.add_arguments(parser)
        parser.add_argument(
            "--wait-anew",
            action="store_true",
            help="have what can still be taken back wait all its time once more; restore does so by itself",
        )
        parser.add_argument("--export", type=Path, help="only write all that is known into this file")

    def handle(
        self,
        ledger: Path | None,
        old_store: str,
        nothing_erased: bool,
        export: Path | None,
        wait_anew: bool,
        **_: Any,
    ) -> None:
        """Repeat, or write; say how much there was."""
        sources, mark = Sources(ledger, old_store, nothing_erased), standstill.current()
        if mark is not None and (mark.kind != AWAITING or export or not sources.told):
            raise CommandError(str(mark), returncode=os.EX_CONFIG)
        try:
            with standstill.passed():
                told = sources.read(mark.archive if mark else str(current().identity))
                told += repeating.known_erasures()
                if export:
                    self.write(export, told)
                    return
                self.stdout.write("\n".join(repeating.repeat(told).words()))
                if wait_anew:
                    erasures.wait_anew()
                    self.stdout.write(erasures.waiting_in_words() or "Nothing waits to be erased.")
        except StorageFailed as failure:
            raise CommandError("The store does not answer. Nothing is lost: run this again.") from failure
        except NotTold as error:
            raise CommandError(str(error)) from error
        self.unmark(mark)

    def write(self, export: Path, told: list[later_erasures.Facts]) -> None:
        """Write what is ``told`` into a file. Raises CommandError."""
        lines = sorted({json.dumps(facts, sort_keys=True) for facts in told})
        try:
            export.write_text("".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise CommandError(f"The list cannot be written: {error}") from error
        self.stdout.write(f"{len(lines)} erasures written.")

    def unmark(self, mark: Mark | None) -> None:
        """What was restored may be used from now on."""
        if mark is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(standstill.REMOVE)
        self.stdout.write(
            "What was restored may be used now. Then: python manage.py verify_store, and start HuleEdu."
        )
