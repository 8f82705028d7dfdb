"""``manage.py relay``: one relay in one process; it leads, or stands by for the one that does."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from huleedu.fit.fitting import fit_relay
from huleedu.machine.stopping import stop_on_signals
from huleedu.postgres.presence import process_name
from huleedu.relay.loop import Relay


class Command(BaseCommand):
    """Relays until it is told to stop."""

    help = (
        "Run one relay, which moves events on, in a process of its own, until SIGTERM or SIGINT. "
        "The command run starts one by itself; only a larger installation starts more."
    )
    requires_system_checks: list[Any] = []

    def handle(self, **_options: object) -> None:
        fit_relay()
        Relay(process_name(settings.PROCESS), beside=True).run(stop_on_signals())
        # Python would wait for the threads; what still runs in one is rolled back.
        os._exit(0)
