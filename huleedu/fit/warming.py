"""What workers share: words and dictionaries, loaded before they are forked."""

import structlog

from essays.checking import CHECKING
from files import sandbox
from files.steps.language import warm

log = structlog.get_logger(__name__)


def warm_steps() -> None:
    """Load words in the parent, and dictionaries beside it: workers share the memory of both."""
    warm()
    sandbox.share(CHECKING)
    log.info("steps.warm", status="running")
