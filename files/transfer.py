"""The content of a part as it was before its client packed it for mail (``Content-Transfer-Encoding``)."""

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

PLAIN = frozenset({"", "7bit", "8bit", "binary"})
COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
MAX_NESTING = 4  # of comments in a comment
MAX_LINE = 64 * 1024  # bytes; mail lines have at most 998


class BadContent(Exception):
    """The content is not what its encoding says."""


@dataclass
class Plain:
    """Content as it is."""

    def feed(self, data: bytes) -> bytes:
        """``data``."""
        return data

    def end(self) -> bytes:
        """Nothing was kept back."""
        return b""


@dataclass
class Base64:
    """Content in base64, white space anywhere."""

    kept: bytes = b""
    ended: bool = False

    def feed(self, data: bytes) -> bytes:
        """What ``data`` adds. Raises ``BadContent``."""
        packed = self.kept + b"".join(data.split())
        whole = len(packed) // 4 * 4
        self.kept = packed[whole:]
        if packed and self.ended:
            raise BadContent
        self.ended = packed[:whole].endswith(b"=")
        try:
            return binascii.a2b_base64(packed[:whole], strict_mode=True)
        except binascii.Error as error:
            raise BadContent from error

    def end(self) -> bytes:
        """Nothing. Raises ``BadContent`` when the content was cut."""
        if self.kept:
            raise BadContent
        return b""


@dataclass
class QuotedPrintable:
    """Content in quoted-printable, read line by line."""

    kept: bytes = field(default=b"")

    def feed(self, data: bytes) -> bytes:
        """What the lines that ``data`` ends add. Raises ``BadContent``."""
        lines, newline, self.kept = (self.kept + data).rpartition(b"\n")
        if len(self.kept) > MAX_LINE:
            raise BadContent
        return binascii.a2b_qp(lines + newline)

    def end(self) -> bytes:
        """The last line."""
        return binascii.a2b_qp(self.kept)


Decoder = Plain | Base64 | QuotedPrintable
DECODERS: dict[str, Callable[[], Decoder]] = {
    **dict.fromkeys(PLAIN, Plain),
    "base64": Base64,
    "quoted-printable": QuotedPrintable,
}


def decoder_for(*told: str) -> Decoder:
    """What reads content that came with these headers. Raises ``BadContent`` when nobody here can."""
    if len(told) > 1:
        raise BadContent
    encoding = "".join(told)
    for _ in range(MAX_NESTING):
        encoding = COMMENT.sub(" ", encoding)
    try:
        return DECODERS[encoding.strip().lower()]()
    except KeyError as error:
        raise BadContent from error
