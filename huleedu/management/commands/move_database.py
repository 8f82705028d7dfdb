"""``manage.py move_database``: all that the database keeps, into the one in ``HULEEDU_NEW_DATABASE_URL``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from huleedu.backup import moving
from huleedu.backup.backup_words import EXPECTED, in_words
from huleedu.machine import environment

VARIABLE = "HULEEDU_NEW_DATABASE_URL"
FAILED = 2


class Command(BaseCommand):
    """0: moved; 2: not, and the database of before can be used as before."""

    help = (
        f"Move all that is kept into the database whose address is in {VARIABLE}, or into the one that comes "
        "with HuleEdu if that says 'embedded'. Stop HuleEdu first."
    )
    requires_system_checks: list[Any] = []

    def handle(self, **_options: object) -> None:
        words = environment.said(VARIABLE)
        if not words:
            raise CommandError(f"Set {VARIABLE} to the address of an empty database, or to 'embedded'.")
        try:
            with moving.target_of(words) as target:
                name = "the embedded database" if words == moving.EMBEDDED else str(target)
                moving.move(target, name, self.stdout.write)
        except EXPECTED as error:
            raise CommandError(
                f"Nothing was moved. {in_words(error)} HuleEdu can be started as before.", returncode=FAILED
            ) from error
        do = "without DATABASE_URL" if words == moving.EMBEDDED else "with DATABASE_URL set to its address"
        self.stdout.write(f"HuleEdu's database is {name} from now on. Start HuleEdu {do}.")
