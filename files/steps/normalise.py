"""One form for all text that is kept: what later steps count offsets in."""

import re
import unicodedata

CONTROL_CHARACTERS = "CONTROL_CHARACTERS"

ZERO_WIDTH = "\u200b\u2060\ufeff\u00ad"
"""Characters without width that only mark where a line may break; joiners inside emoji are not among them."""

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NO_WIDTH = re.compile(f"[{ZERO_WIDTH}]")
# XML, spreadsheets and PostgreSQL refuse these, so they are made visible once, here.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def normalise(text: str) -> tuple[str, tuple[str, ...]]:
    """Text in NFC with ``\\n`` line ends, no outer white space and no control characters; warning codes.

    NUL and other forbidden characters become U+FFFD and give ``CONTROL_CHARACTERS``.
    """
    lined = _NO_WIDTH.sub("", _LINE_ENDS.sub("\n", text.removesuffix("\x1a")))
    clean, replaced = _FORBIDDEN.subn("\ufffd", lined)
    composed = unicodedata.normalize("NFC", clean)
    trimmed = "\n".join(line.rstrip() for line in composed.split("\n")).strip()
    return trimmed, (CONTROL_CHARACTERS,) if replaced else ()
