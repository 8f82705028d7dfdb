"""Plain text in any of the encodings that schools meet; text that is nothing else is plain."""

from files.steps.content import Content
from files.steps.format import Format
from files.steps.format import for_translation as _
from files.steps.plain_text import decode

ENGINE = "huleedu-text 1"


def read(data: bytes) -> Content:
    """The text of a plain text file; raises nothing, doubts are warnings."""
    decoded = decode(data)
    return Content(decoded.text, f"{ENGINE} ({decoded.encoding})", decoded.warnings)


FORMAT = Format(name="txt", reader=__name__, label=_("Plain text"), said=_("plain text"))
