"""PDF; read in ``files.steps.pdf``, which loads a library of 7 MB."""

from files.steps.format import Format, Limit, Signs
from files.steps.plain_text import is_printable
from huleedu.failures.errors import ErrorCode

MAXIMUM_PAGES = 500

_MARK = b"%PDF-"
_MARK_WITHIN = 1024


def is_pdf(data: bytes) -> bool:
    """Whether this is a PDF: nothing but white space stands before its mark, or little that is no text."""
    return data.lstrip().startswith(_MARK) or (_MARK in data[:_MARK_WITHIN] and not is_printable(data))


def was_pdf(data: bytes) -> bool:
    """Whether the bytes are of a PDF that lost its beginning: nobody writes these words among others."""
    if _MARK in data[:_MARK_WITHIN]:
        return False
    return b"startxref" in data or min(data.count(b" obj"), data.count(b"endobj")) > 1


FORMAT = Format(
    name="pdf",
    endings=("pdf",),
    signs=Signs(shown=is_pdf, remains=was_pdf),
    reader="files.steps.pdf",
    label="PDF",
    limits=(Limit("pages of a PDF", MAXIMUM_PAGES, ErrorCode.CONTENT_TOO_LONG),),
)
