"""One way to change a state: look in the table of legal changes, or raise."""

from collections.abc import Mapping
from uuid import UUID


class InvalidTransition(Exception):
    """A state change that the table of legal changes does not allow."""

    def __init__(self, subject: str, current: str, target: str) -> None:
        super().__init__(f"{subject}: {current} cannot become {target}")
        self.current = current
        self.target = target


def check_transition(allowed: Mapping[str, frozenset[str]], subject: str, current: str, target: str) -> None:
    """Raise ``InvalidTransition`` unless ``allowed`` lets ``current`` become ``target``."""
    if target not in allowed.get(current, frozenset()):
        raise InvalidTransition(subject, current, target)


def known(value: UUID | None) -> UUID:
    """``value``, where the state guarantees that there is one. Raises ``LookupError`` otherwise."""
    if value is None:
        raise LookupError("the state promises an id that is not there")
    return value
