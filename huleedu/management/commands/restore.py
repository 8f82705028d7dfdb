"""``manage.py restore FILE``: a backup into an installation that has nothing yet."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from huleedu.backup import drill, restoring
from huleedu.backup.backup_words import EXPECTED, in_words
from huleedu.backup.restoring import Unfinished
from huleedu.forgetting import later_erasures
from huleedu.forgetting.later_erasures import Sources
from huleedu.postgres import standstill

REFUSED, UNFINISHED, AWAITED = 2, 3, 4


class Command(BaseCommand):
    """0: restored, or good; 2: refused, and nothing was changed; 3: not finished; 4: erasures are awaited."""

    help = (
        "Restore a backup into an empty database and an empty content store; or look whether it is good. "
        "Example: manage.py restore huleedu-backup.zip --check"
    )
    requires_system_checks: list[Any] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the backup")
        parser.add_argument("--key-file", type=Path, metavar="FILE", help="with the age key that opens it")
        parser.add_argument(
            "--check", action="store_true", help="only restore it into a throwaway database and compare"
        )

        later_erasures.add_arguments(parser)

    def handle(
        self,
        file: Path,
        key_file: Path | None,
        check: bool,
        ledger: Path | None,
        old_store: str,
        nothing_erased: bool,
        **_options: object,
    ) -> None:
        began = time.monotonic()
        file = file.absolute()
        try:
            if check:
                restoring.check(file, key_file)
                about = drill.verify(file, key_file)
            else:
                sources = Sources(ledger, old_store, nothing_erased)
                restored = restoring.restore(file, key_file, sources, self.stdout.write)
                about = restored.about
        except Unfinished as error:
            reason = in_words(error.__cause__ or error)
            raise CommandError(
                f"Restoring did not come to its end. {reason} Run the same command "
                "again; it begins anew. Until then HuleEdu does not start with this database.",
                returncode=UNFINISHED,
            ) from error
        except EXPECTED as error:
            raise CommandError(f"Nothing was changed. {in_words(error)}", returncode=REFUSED) from error
        seconds = time.monotonic() - began
        if check:
            self.stdout.write(
                f"{file} is good: {sum(about.rows.values())} rows and {about.contents} contents."
            )
            return
        self.stdout.write(
            f"Restored in {seconds:.1f} s: {sum(about.rows.values())} rows and {about.contents} contents, as "
            f"of {about.moment}. Everybody signs in again, and makes new API tokens."
        )
        if not restored.served:
            mark = standstill.current()
            raise CommandError(f"NOT YET TO BE USED. {mark}", returncode=AWAITED)
        self.stdout.write("Then: python manage.py verify_store, and start HuleEdu.")
