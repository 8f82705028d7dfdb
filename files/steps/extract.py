"""From a file's bytes to its text."""

from dataclasses import dataclass

from files.steps.detect import detect, extension
from files.steps.format import Format
from files.steps.normalise import normalise
from files.steps.registry import FORMATS

EXTENSION_MISMATCH = "EXTENSION_MISMATCH"


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's normalised text; ``engine`` names program and version, ``warnings`` are codes."""

    text: str
    format: str
    engine: str
    warnings: tuple[str, ...] = ()


def extract(data: bytes, filename: str) -> Extracted:
    """Read a document; the same bytes always give the same text.

    Raises StepError with the codes of ``detect`` and of the format's reader.
    """
    found = detect(data, filename)
    content = found.load()(data)
    text, warnings = normalise(content.text)
    mismatch = (EXTENSION_MISMATCH,) if _is_misnamed(found, extension(filename)) else ()
    return Extracted(text, found.name, content.engine, (*content.warnings, *warnings, *mismatch))


def _is_misnamed(found: Format, ending: str) -> bool:
    return ending not in found.endings if found.endings else FORMATS.has_ending(ending)
