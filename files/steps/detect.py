"""What a file is, decided from its content; the name is only told to people."""

import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePath

import puremagic

from files.steps import package
from files.steps.format import UNKNOWN, Format, Signs
from files.steps.plain_text import decode, is_printable
from files.steps.registry import FORMATS
from huleedu.failures.errors import ErrorCode, StepError

_ENCRYPTED = "encrypted-office"
_ARCHIVE, _BROKEN_ARCHIVE = "zip", "broken-zip"
_HEAD_BYTES = 4096

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_NOT_ENDING = re.compile(r"[^a-z0-9]")
_MARKUP = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*)?(?:<!doctype\s+([a-z]{1,20})|<([a-z]{1,20}|\?xml)[\s>?])", re.I | re.S
)


def detect(data: bytes, filename: str) -> Format:
    """The format of a file's bytes, one that is read.

    ``filename`` is not believed; only of bytes that show nothing at all does its ending say that they were a
    document once. It is told in the error's details.
    Raises StepError EMPTY_CONTENT (no bytes), ENCRYPTED_FILE, CORRUPTED_FILE (a document that is damaged)
    or UNSUPPORTED_FORMAT with what was ``detected``.
    """
    if not data:
        raise StepError(ErrorCode.EMPTY_CONTENT, bytes=0)
    name, ending = _recognise(data), extension(filename)
    if name == _ENCRYPTED:
        raise StepError(ErrorCode.ENCRYPTED_FILE)
    if name in (UNKNOWN, _BROKEN_ARCHIVE) and any(ending in each.endings for each in FORMATS.read):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="unrecognisable")
    if name == _BROKEN_ARCHIVE:
        name = _ARCHIVE
    found = FORMATS.get(name)
    if found is None or not found.reader:
        raise StepError(ErrorCode.UNSUPPORTED_FORMAT, detected=name, extension=ending)
    return found


def extension(filename: str) -> str:
    """A file name's ending in lower case without its dot, at most ten letters and digits."""
    return _NOT_ENDING.sub("", PurePath(filename).suffix.lower())[:10]


def _recognise(data: bytes) -> str:
    if begun := _first(lambda signs: data.startswith(signs.beginnings)):
        return begun
    if data.startswith(_COMPOUND_FILE):
        return _compound_file(data)
    if data.startswith(package.BEGINNINGS):
        return _archive(data)
    if shown := _first(lambda signs: signs.shown is not None and signs.shown(data)):
        return shown
    if _first(lambda signs: signs.remains is not None and signs.remains(data)):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="beginning")
    return _text(data) if is_printable(data) else _by_signature(data)


def _first(has: Callable[[Signs], bool]) -> str:
    """The first format whose signs are these; empty when there is none."""
    return next((each.name for each in FORMATS if has(each.signs)), "")


def _compound_file(data: bytes) -> str:
    """Microsoft's older container: legacy documents, and every Office file with a password."""
    if _ENCRYPTED_PACKAGE in data:
        return _ENCRYPTED
    return _first(lambda signs: any(stream.encode("utf-16-le") in data for stream in signs.streams))


def _archive(data: bytes) -> str:
    if data[30:].startswith(b"mimetypeapplication/"):
        return _first(lambda signs: data[50:120].startswith(signs.media_types)) or _ARCHIVE
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
        return _damaged_archive(data)
    return _first(lambda signs: any(name.startswith(signs.members) for name in names)) or _ARCHIVE


def _damaged_archive(data: bytes) -> str:
    """A ZIP without its directory was cut short; what it was, the formats that are archives may tell."""
    if _first(lambda signs: bool(signs.members and signs.remains is not None and signs.remains(data))):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive")
    return _BROKEN_ARCHIVE


def _text(data: bytes) -> str:
    markup = _MARKUP.match(decode(data[: 4 * _HEAD_BYTES]).text)
    root = (markup[1] or markup[2]).lower() if markup else None
    return _first(lambda signs: root in signs.roots) or FORMATS.plain.name


def _by_signature(data: bytes) -> str:
    try:
        matches = puremagic.magic_string(data[:_HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    sure = [match.extension.lstrip(".") for match in matches if len(match.byte_match.strip(b"\0")) > 1]
    return (sure[0] or UNKNOWN) if sure else UNKNOWN
