"""How people are told of a code: what happened, what to do, and the buttons that do it."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class Words:
    """The words of one code; ``actions`` are names of buttons."""

    title: str | Promise
    help: str | Promise
    actions: tuple[str, ...]
