"""Ids as people read them: their first eight signs, and the whole one to be pointed at and copied."""

import re
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

SHOWN = 8  # signs
WHOLE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b", re.IGNORECASE)
BEGINNING = re.compile(r"[0-9a-f]{8}-?[0-9a-f-]{0,27}", re.IGNORECASE)


def shown_id(value: UUID | str | None) -> SafeString | str:
    """``value`` for a page; a dash for none."""
    if not value:
        return "–"
    whole = str(value)
    return format_html(
        '<span class="id" title="{}">{}<span class="id-rest">{}</span></span>',
        whole,
        whole[:SHOWN],
        whole[SHOWN:],
    )


def ids_in(text: str) -> list[UUID]:
    """The ids that ``text`` holds, each once, in its order."""
    return list(dict.fromkeys(UUID(found) for found in WHOLE.findall(text)))


def ids_from(beginning: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin so; None for what begins none, or is too short."""
    if not BEGINNING.fullmatch(beginning):
        return None
    signs = beginning.replace("-", "")[:32]
    return UUID(signs.ljust(32, "0")), UUID(signs.ljust(32, "f"))
