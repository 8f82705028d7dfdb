"""From bytes to text, in any of the encodings that schools meet."""

import codecs
import re
from dataclasses import dataclass
from itertools import islice

ENCODING_UNCERTAIN = "ENCODING_UNCERTAIN"
UNREADABLE_CHARACTERS = "UNREADABLE_CHARACTERS"

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EIGHT_BIT_ENCODINGS = ("cp1252", "mac-roman", "cp850")
_SAMPLE_BYTES = 256 * 1024
_SAMPLE_MARKS = 5_000

_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd]")

_SWEDISH = frozenset("åäöÅÄÖ")
_NEIGHBOURS = frozenset("éÉèüÜáàóíñçæøêëïôû")
_QUOTES = frozenset("“”„‘’‚«»")
_OPENS_AFTER = frozenset(" \t\r\n([-–—/\"'")
_CLOSES_BEFORE = frozenset(" \t\r\n.,;:!?)]-–—/\"'")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the encoding it was read with and warning codes."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes) -> Decoded:
    """Decode by byte order mark, then NUL pattern, then strict UTF-8, then the likeliest 8-bit encoding."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    wide = _wide_encoding(data)
    if wide is not None:
        return _replacing(data, wide)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _nearly_utf_8(data) or _eight_bit(data)


def is_printable(data: bytes) -> bool:
    """Whether the bytes read as text people could have written: random bytes do not."""
    decoded = decode(data)
    unprintable = sum(1 for _ in _UNPRINTABLE.finditer(decoded.text.removesuffix("\x1a")))
    if decoded.encoding in _EIGHT_BIT_ENCODINGS:
        return unprintable <= len(decoded.text) * 0.005
    return unprintable <= 1 + len(decoded.text) * 0.01


def _replacing(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, (UNREADABLE_CHARACTERS,) if "\ufffd" in text else ())


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: western text has NULs at fixed places."""
    sample = data[:4096]
    if len(sample) < 4 or 0 not in sample:
        return None
    empty = [_share_of_nul(sample[place::4]) for place in range(4)]
    for encoding, letter in (("utf-32-le", 0), ("utf-32-be", 3)):
        others = [share for place, share in enumerate(empty) if place != letter]
        if min(others) > 0.7 and empty[letter] < 0.05:
            return encoding
    for encoding, high in (("utf-16-le", 1), ("utf-16-be", 0)):
        if min(empty[high], empty[high + 2]) > 0.4 and max(empty[1 - high], empty[3 - high]) < 0.05:
            return encoding
    return None


def _share_of_nul(data: bytes) -> float:
    return data.count(0) / len(data) if data else 0.0


def _nearly_utf_8(data: bytes) -> Decoded | None:
    """UTF-8 with a few broken places, such as a file cut inside a letter."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(1 for _ in _BEYOND_ASCII.finditer(text)) - broken
    return Decoded(text, "utf-8", (UNREADABLE_CHARACTERS,)) if whole >= 3 * broken else None


def _eight_bit(data: bytes) -> Decoded:
    sample = _sample(data)
    scores = {name: _letter_score(sample.decode(name, "replace")) for name in _EIGHT_BIT_ENCODINGS}
    encoding = max(_EIGHT_BIT_ENCODINGS, key=scores.__getitem__)
    text = data.decode(encoding, "replace")
    warnings = [ENCODING_UNCERTAIN] if scores[encoding] < 1 else []
    if "\ufffd" in text:
        warnings.append(UNREADABLE_CHARACTERS)
    return Decoded(text, encoding, tuple(warnings))


def _sample(data: bytes) -> bytes:
    """The part that decides: from just before the first byte beyond ASCII."""
    first = _HIGH_BYTE.search(data)
    start = max(0, first.start() - 1) if first else 0
    return data[start : start + _SAMPLE_BYTES]


def _letter_score(text: str) -> float:
    """Mean likelihood, -10 to 3, of the characters beyond ASCII where they stand."""
    padded = f" {text} "
    weights = [
        _weight(padded[place - 1], padded[place], padded[place + 1])
        for place in (match.start() for match in islice(_BEYOND_ASCII.finditer(padded), _SAMPLE_MARKS))
    ]
    return sum(weights) / len(weights) if weights else 0.0


def _weight(before: str, character: str, after: str) -> int:
    if character in _QUOTES:
        return 3 if _quotes_rightly(before, character, after) else -3
    if character.isalpha():
        return _letter_weight(before, character)
    if character in "–—":
        return 3 if before.isspace() or after.isspace() or before.isdigit() else 0
    if character == "\ufffd" or "\x80" <= character <= "\x9f":
        return -10
    if character in "…•°§€£½´\xa0":
        return -2 if before.isalpha() and after.isalpha() else 1
    return -2


def _letter_weight(before: str, character: str) -> int:
    if character.isupper() and before.islower():
        return -3
    if character in _SWEDISH:
        return 3
    return 1 if character in _NEIGHBOURS else 0


def _quotes_rightly(before: str, character: str, after: str) -> bool:
    if before.isalpha() and after.isalpha():
        return character == "’"
    opens = before in _OPENS_AFTER and after.isalnum()
    closes = not before.isspace() and (after in _CLOSES_BEFORE or after in _QUOTES)
    return opens or closes
