"""Which originals a page shows, and where each is opened."""

from uuid import UUID

from django.urls import reverse

from files.steps.registry import FORMATS

# What a browser shows without running anything of it. HTML and SVG are pages and never stand here.
CONTENT_TYPES = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
}


def shown_kind(data: bytes) -> str:
    """The kind of an original that a page shows, found in its bytes; empty for all others."""
    return next((kind for kind in CONTENT_TYPES if looks_like(kind, data)), "")


def looks_like(kind: str, data: bytes) -> bool:
    """Whether the bytes begin as files of the format ``kind`` do."""
    known = FORMATS.get(kind)
    if known is None:
        return False
    signs = known.signs
    return data.startswith(signs.beginnings) or (signs.shown is not None and signs.shown(data))


def original_address(file_upload_id: UUID, kind: str | None) -> str:
    """Where the original is opened: on a page if files of ``kind`` are shown, else as a download."""
    return reverse("file-original" if kind in CONTENT_TYPES else "file-original-saved", args=[file_upload_id])
