"""``manage.py tidy``: remove what crashes and age left behind; the relay does the same every hour."""

from django.core.management.base import BaseCommand

from huleedu.relay.maintenance import tidy


class Command(BaseCommand):
    """Tidies once."""

    help = (
        "Remove what crashes and age left behind: content that belongs to nothing, half-written files, "
        "outdated rows. The relay does the same every hour."
    )

    def handle(self, **_options: object) -> None:
        tidied = tidy()
        if tidied is None:
            self.stdout.write("Another process is tidying at this moment.")
            return
        for name, count in vars(tidied).items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count}")
