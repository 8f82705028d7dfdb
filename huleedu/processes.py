"""What worker processes do when django-q2 spawns them."""

import threading
from typing import Any

import structlog
from django.conf import settings
from django.db import connections

from huleedu.presence import process_name

log = structlog.get_logger(__name__)


def start_relay(**_: Any) -> None:
    """Run the relay in a thread for as long as this worker lives."""
    from huleedu.relay import Relay

    # The connection inherited from the parent process is the parent's.
    connections.close_all()
    relay = Relay(process_name(settings.PROCESS), beside=True)
    threading.Thread(target=relay.run, args=(threading.Event(),), name="relay", daemon=True).start()
    log.info("relay.started", status="running")


def warm_steps() -> None:
    """Load dictionaries and words in the parent: workers forked from it are warm and share its memory."""
    from essays.steps.lexicon import keep_tables_in
    from essays.steps.spellcheck import warm
    from files.steps.language import warm as warm_words

    warm_words()
    keep_tables_in(settings.VAR_DIR / "cache")
    for language in ("sv", "en"):
        warm(language)
    log.info("steps.warm", status="running")
