"""From a file's bytes to its text: the one table of formats and their readers."""

from collections.abc import Callable
from dataclasses import dataclass

from files.steps import docx, pdf, plain_text
from files.steps.content import Content
from files.steps.detect import Format, detect, extension
from files.steps.normalise import normalise

READERS: dict[Format, Callable[[bytes], Content]] = {
    Format.TXT: plain_text.read,
    Format.DOCX: docx.read,
    Format.PDF: pdf.read,
}

EXTENSION_MISMATCH = "EXTENSION_MISMATCH"

_ENDINGS = {Format.DOCX: {"docx", "docm", "dotx", "dotm"}, Format.PDF: {"pdf"}}
_OTHER_FORMATS = {
    "docx",
    "pdf",
    "doc",
    "odt",
    "rtf",
    "pages",
    "html",
    "htm",
    "jpg",
    "jpeg",
    "png",
    "exe",
    "zip",
}


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's normalised text; ``engine`` names program and version, ``warnings`` are codes."""

    text: str
    format: Format
    engine: str
    warnings: tuple[str, ...] = ()


def extract(data: bytes, filename: str) -> Extracted:
    """Read a document; the same bytes always give the same text.

    Raises StepError with the codes of ``detect`` and of the format's reader.
    """
    found = detect(data, filename)
    content = READERS[found](data)
    text, warnings = normalise(content.text)
    mismatch = (EXTENSION_MISMATCH,) if _is_misnamed(found, extension(filename)) else ()
    return Extracted(text, found, content.engine, (*content.warnings, *warnings, *mismatch))


def _is_misnamed(found: Format, ending: str) -> bool:
    if found in _ENDINGS:
        return ending not in _ENDINGS[found]
    return ending in _OTHER_FORMATS
