"""Erase again what was erased, after a restored backup."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from huleedu import repeating
from huleedu.errors import StorageFailed


class Command(BaseCommand):
    """``manage.py repeat_erasures [--ledger FILE] [--export FILE]``."""

    help = (
        "Erase again all that was erased before: run it after a backup was restored. "
        "Example: manage.py repeat_erasures --ledger erased.txt"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where else to read, or where to write instead."""
        parser.add_argument("--ledger", type=Path, help="read this file as well, written by --export")
        parser.add_argument("--export", type=Path, help="only write all that is known into this file")

    def handle(self, *_: Any, **options: Any) -> None:
        """Repeat, or write; say how much there was."""
        try:
            told = list(repeating.known_erasures())
            if options["ledger"]:
                lines = options["ledger"].read_text().splitlines()
                told += [json.loads(line) for line in lines if line.strip()]
            if options["export"]:
                lines = sorted({json.dumps(facts, sort_keys=True) for facts in told})
                options["export"].write_text("".join(f"{line}\n" for line in lines))
                self.stdout.write(f"{len(lines)} erasures written.")
                return
            self.stdout.write(f"{repeating.repeat(told)} erasures repeated.")
        except StorageFailed as failure:
            raise CommandError("The store does not answer. Nothing is lost: run this again.") from failure
        except (OSError, ValueError) as error:
            raise CommandError(f"The ledger cannot be read: {error}") from error
