"""What worker processes do when django-q2 spawns them, and when they end."""

import threading
from typing import Any

import structlog
from django.conf import settings
from django.db import connections

from huleedu.machine.stopping import Stop
from huleedu.postgres.presence import process_name

END_SECONDS = 2.0  # for the rows that a relay has in its hands
log = structlog.get_logger(__name__)
_relays: list[tuple[threading.Thread, Stop]] = []


def start_relay(**_: Any) -> None:
    """Run the relay in a thread until ``end_relay``, or for as long as this worker lives."""
    from huleedu.relay.loop import Relay

    # The connection inherited from the parent process is the parent's.
    connections.close_all()
    stop, relay = Stop(), Relay(process_name(settings.PROCESS), beside=True)
    thread = threading.Thread(target=relay.run, args=(stop,), name="relay", daemon=True)
    _relays.append((thread, stop))
    thread.start()
    log.info("relay.started", status="running")


def end_relay() -> None:
    """Ask this process's relay to stop, and wait a moment; what it leaves is rolled back."""
    for thread, stop in _relays:
        stop.set()
        thread.join(END_SECONDS)
