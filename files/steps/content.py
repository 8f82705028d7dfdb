"""What every reader of a format gives back."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """The text of one document as read, before normalising.

    ``engine`` names the reading program and its version; ``warnings`` are stable upper-case codes.
    """

    text: str
    engine: str
    warnings: tuple[str, ...] = ()
