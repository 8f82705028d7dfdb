"""What a file is, decided from its content; the name is only told to people."""

import re
import zipfile
from enum import StrEnum
from io import BytesIO
from pathlib import PurePath

import puremagic

from files.steps.plain_text import decode, is_printable
from huleedu.failures.errors import ErrorCode, StepError


class Format(StrEnum):
    """Formats that can be read; each has its reader in ``files.steps.extract``."""

    TXT = "txt"
    DOCX = "docx"
    PDF = "pdf"


_ENCRYPTED = "encrypted-office"
_UNKNOWN, _BROKEN_ARCHIVE = "unknown", "broken-zip"
_ENDINGS_READ = frozenset({"docx", "docm", "dotx", "dotm", "pdf"})
_HEAD_BYTES = 4096
_PDF_MARK_WITHIN = 1024

_BEGINNINGS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"{\\rtf", "rtf"),
    (b"MZ", "exe"),
    (b"\x7fELF", "exe"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
)
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_COMPOUND_STREAMS = (("WordDocument", "doc"), ("Workbook", "xls"), ("PowerPoint Document", "ppt"))
_OFFICE_BEGINNINGS = (b"[Content_Types].xml", b"_rels/.rels", b"docProps/")
_OTHER_OFFICE_FOLDERS = (b"xl/", b"ppt/")
_ZIP_MEMBERS = (
    ("word/", "docx"),
    ("xl/", "xlsx"),
    ("ppt/", "pptx"),
    ("Index/Document.iwa", "pages"),
    ("index.xml", "pages"),
    ("META-INF/container.xml", "epub"),
)
_NOT_ENDING = re.compile(r"[^a-z0-9]")
_MARKUP = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*)?(?:<!doctype\s+(html|svg)|<(html|svg|\?xml)[\s>?])", re.I | re.S
)


def detect(data: bytes, filename: str) -> Format:
    """The format of a file's bytes.

    ``filename`` is not believed; only of bytes that show nothing at all does its ending say that they were a
    document once. It is told in the error's details.
    Raises StepError EMPTY_CONTENT (no bytes), ENCRYPTED_FILE, CORRUPTED_FILE (a document that is damaged)
    or UNSUPPORTED_FORMAT with what was ``detected``.
    """
    if not data:
        raise StepError(ErrorCode.EMPTY_CONTENT, bytes=0)
    name = _recognise(data)
    if name == _ENCRYPTED:
        raise StepError(ErrorCode.ENCRYPTED_FILE)
    if name in (_UNKNOWN, _BROKEN_ARCHIVE) and extension(filename) in _ENDINGS_READ:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="unrecognisable")
    if name == _BROKEN_ARCHIVE:
        name = "zip"
    if name not in list(Format):
        raise StepError(ErrorCode.UNSUPPORTED_FORMAT, detected=name, extension=extension(filename))
    return Format(name)


def extension(filename: str) -> str:
    """A file name's ending in lower case without its dot, at most ten letters and digits."""
    return _NOT_ENDING.sub("", PurePath(filename).suffix.lower())[:10]


def _recognise(data: bytes) -> str:
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning) and not (name == "exe" and is_printable(data)):
            return name
    if data.startswith(_COMPOUND_FILE):
        return _compound_file(data)
    if data.startswith(_ZIP_BEGINNINGS):
        return _archive(data)
    if data.lstrip().startswith(b"%PDF-"):
        return Format.PDF
    if _was_archive(data) or _was_pdf(data):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="beginning")
    if is_printable(data):
        return _text(data)
    return Format.PDF if b"%PDF-" in data[:_PDF_MARK_WITHIN] else _by_signature(data)


def _was_archive(data: bytes) -> bool:
    """Whether the bytes are of a Word file that lost its beginning."""
    return any(mark in data for mark in (b"PK\x01\x02", b"PK\x03\x04")) and b"word/" in data


def _was_pdf(data: bytes) -> bool:
    """Whether the bytes are of a PDF that lost its beginning: nobody writes these words among others."""
    if b"%PDF-" in data[:_PDF_MARK_WITHIN]:
        return False
    return b"startxref" in data or min(data.count(b" obj"), data.count(b"endobj")) > 1


def _compound_file(data: bytes) -> str:
    """Microsoft's older container: legacy documents, and every Office file with a password."""
    if _ENCRYPTED_PACKAGE in data:
        return _ENCRYPTED
    for stream, name in _COMPOUND_STREAMS:
        if stream.encode("utf-16-le") in data:
            return name
    return "ole"


def _archive(data: bytes) -> str:
    if data[30:].startswith(b"mimetypeapplication/"):
        return _by_mimetype(data[50:120])
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
        return _damaged_archive(data)
    for beginning, name in _ZIP_MEMBERS:
        if any(member.startswith(beginning) for member in names):
            return name
    return "zip"


def _by_mimetype(mimetype: bytes) -> str:
    known = ((b"vnd.oasis.opendocument.text", "odt"), (b"epub+zip", "epub"), (b"vnd.oasis", "opendocument"))
    return next((name for beginning, name in known if mimetype.startswith(beginning)), "zip")


def _damaged_archive(data: bytes) -> str:
    """A ZIP without its directory was cut short; its first members still tell what it was.

    An Office file begins with one of three parts. If nothing but these is left it may have been a table or
    slides: it is damaged all the same.
    """
    others = any(mark in data for mark in _OTHER_OFFICE_FOLDERS)
    if b"word/" in data or (not others and any(mark in data[:_HEAD_BYTES] for mark in _OFFICE_BEGINNINGS)):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="archive")
    return _BROKEN_ARCHIVE


def _text(data: bytes) -> str:
    markup = _MARKUP.match(decode(data[: 4 * _HEAD_BYTES]).text)
    if markup is None:
        return Format.TXT
    name = (markup[1] or markup[2]).lower()
    return "xml" if name == "?xml" else name


def _by_signature(data: bytes) -> str:
    try:
        matches = puremagic.magic_string(data[:_HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        return _UNKNOWN
    sure = [match.extension.lstrip(".") for match in matches if len(match.byte_match.strip(b"\0")) > 1]
    return (sure[0] or _UNKNOWN) if sure else _UNKNOWN
