"""``manage.py relay``: one relay in one process; it leads, or stands by for the one that does."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from huleedu.fitting import fit_relay
from huleedu.presence import process_name
from huleedu.relay import Relay


class Command(BaseCommand):
    """Relays until it is told to stop."""

    help = "Run one relay outside django-q2, until SIGTERM or SIGINT."
    requires_system_checks: list[Any] = []

    def handle(self, **_options: object) -> None:
        fit_relay()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Relay(process_name(settings.PROCESS), beside=True).run(stop)
