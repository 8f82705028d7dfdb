"""``manage.py tidy``: remove what crashes and age left behind; the relay does the same every hour."""

from django.core.management.base import BaseCommand

from huleedu.maintenance import tidy


class Command(BaseCommand):
    """Tidies once."""

    help = "Remove orphan content, partly written files and outdated rows."

    def handle(self, **_options: object) -> None:
        tidied = tidy()
        if tidied is None:
            self.stdout.write("Another process is tidying at this moment.")
            return
        for name, count in vars(tidied).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count}")
