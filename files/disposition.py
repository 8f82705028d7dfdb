"""What a part of a form is called: ``Content-Disposition`` as browsers, mail programs and others write it."""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import decode_params, unquote

from files.steps.plain_text import decode
from huleedu.http.header_parameters import parameters

ENCODED_WORD = re.compile(r"=\?[^\s?]+\?[bq]\?[^\s?]*\?=", re.IGNORECASE)
# What browsers write for characters that would end the name, or that the page's encoding does not have.
ESCAPES = {"%22": '"', "%0d": "\r", "%0a": "\n"}
ESCAPED = re.compile("|".join(ESCAPES), re.IGNORECASE)
REFERENCE = re.compile(r"&#(\d{1,7});")
MAX_PARAMETERS = 100  # the library's time grows with the square of them


class BadDisposition(Exception):
    """The header cannot be read."""


@dataclass(frozen=True)
class Disposition:
    """The names in one header; ``None`` where it gives none, which is not the same as an empty one."""

    name: str | None
    filename: str | None


def read_disposition(header: str) -> Disposition:
    """The names in ``header``, each of whose characters is one byte. Raises ``BadDisposition``."""
    if header.count(";") > MAX_PARAMETERS:
        raise BadDisposition
    try:
        # What is said in pieces, or in the extended form, is put together by the standard library.
        _kind, *given = decode_params([("", ""), *parameters(header)])
    except (ValueError, TypeError, LookupError) as error:
        raise BadDisposition from error
    found: dict[str, str] = {}
    # The extended form counts where both are given: it says its encoding.
    for key, value in sorted(given, key=lambda pair: isinstance(pair[1], tuple)):
        text = plain(unquote(value)) if isinstance(value, str) else extended(*value)
        if text or key not in found:
            found[key] = text
    return Disposition(found.get("name"), found.get("filename"))


def extended(charset: str | None, _language: str | None, value: str) -> str:
    """The text of an RFC 5987 value, whose percent signs are already read."""
    return as_text(unquote(value).encode("latin-1", "replace"), charset)


def plain(value: str) -> str:
    """The text of an ordinary value, out of whatever clothing its client put it in."""
    if ENCODED_WORD.search(value):
        return unworded(value)
    text = ESCAPED.sub(lambda found: ESCAPES[found[0].lower()], as_text(value.encode("latin-1")))
    return REFERENCE.sub(referred, text)


def unworded(value: str) -> str:
    """``value`` with its RFC 2047 words read; as it stands when they cannot be."""
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        pieces = [(value, None)]
    return "".join(
        as_text(piece if isinstance(piece, bytes) else piece.encode("latin-1"), charset)
        for piece, charset in pieces
    )


def referred(found: re.Match[str]) -> str:
    """The character of a numeric reference; the reference itself where there is none."""
    number = int(found[1])
    return chr(number) if number <= 0x10FFFF else found[0]


def as_text(data: bytes, charset: str | None = None) -> str:
    """``data`` in its charset, UTF-8 unless told; in the likeliest one when it is not."""
    try:
        return data.decode(charset or "utf-8")
    except (ValueError, LookupError):
        return decode(data).text
