"""``manage.py run``: everything, until Ctrl-C. ``manage.py`` itself starts it; this tells about it."""

import sys

from django.core.management.base import BaseCommand

from huleedu import run


class Command(BaseCommand):
    """Starts PostgreSQL, Valkey, the web server and the workers."""

    help = (
        "Start HuleEdu with all it needs, and print its address; Ctrl-C stops it. The variables "
        "HULEEDU_PORT and HULEEDU_VAR say on which port and where it keeps everything. Example: manage.py run"
    )

    def handle(self, **_options: object) -> None:
        sys.exit(run.main())
