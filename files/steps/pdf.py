"""PDF with a text layer, read by pdfium: no scripts, no attachments, no links."""

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice

import pypdfium2
from pypdfium2 import raw

from files.steps import pdf_integrity
from files.steps.content import Content
from files.steps.formats.pdf import MAXIMUM_PAGES
from files.steps.pdf_lines import Line, paragraphs, without_page_numbers
from huleedu.failures.errors import ErrorCode, StepError

ENGINE = f"pypdfium2 {pypdfium2.PYPDFIUM_INFO.version} (pdfium {pypdfium2.PDFIUM_INFO.version})"

PAGES_WITHOUT_TEXT = "PAGES_WITHOUT_TEXT"
REPAIRED = "REPAIRED"

MAXIMUM_CHARACTERS = 5_000_000

_LINE = re.compile(r"[^\r\n]+")
_SCAN_WORDS = 5
_END_MARK_WITHIN = 4096


def read(data: bytes) -> Content:
    """The text of a PDF, paragraphs parted by an empty line.

    Raises StepError ENCRYPTED_FILE (it asks for a password), CORRUPTED_FILE (also for a text that may not be
    whole), CONTENT_TOO_LONG (pages or characters) or NO_TEXT_LAYER (pictures of pages only).
    """
    if b"%%EOF" not in data[-_END_MARK_WITHIN:]:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="cut short")
    try:
        with closing(_opened(data)) as document:
            pdf_integrity.check(data)
            return _content(document)
    except pypdfium2.PdfiumError as error:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="page") from error


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == raw.FPDF_ERR_PASSWORD
        code = ErrorCode.ENCRYPTED_FILE if encrypted else ErrorCode.CORRUPTED_FILE
        raise StepError(code) from error


def _content(document: pypdfium2.PdfDocument) -> Content:
    pages = len(document)
    if pages == 0:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="no pages")
    if pages > MAXIMUM_PAGES:
        raise StepError(ErrorCode.CONTENT_TOO_LONG, pages=pages, maximum_pages=MAXIMUM_PAGES)
    lines, scans = _read_pages(document, pages)
    if scans and sum(len(line.text.split()) for line in lines) < _SCAN_WORDS * pages:
        raise StepError(ErrorCode.NO_TEXT_LAYER, pages=pages)
    warnings = [PAGES_WITHOUT_TEXT] if scans else []
    if not raw.FPDF_DocumentHasValidCrossReferenceTable(document.raw):
        warnings.append(REPAIRED)
    return Content(paragraphs(without_page_numbers(lines, pages)), ENGINE, tuple(warnings))


def _read_pages(document: pypdfium2.PdfDocument, pages: int) -> tuple[list[Line], int]:
    """All lines, and how many pages are pictures with hardly a word."""
    lines: list[Line] = []
    scans = characters = 0
    for number in range(pages):
        with closing(document[number]) as page:
            of_page = list(_lines(page, number))
            scans += _is_scan(page, of_page)
        characters += sum(len(line.text) for line in of_page)
        if characters > MAXIMUM_CHARACTERS:
            raise StepError(ErrorCode.CONTENT_TOO_LONG, maximum=MAXIMUM_CHARACTERS)
        lines += of_page
    return lines, scans


def _is_scan(page: pypdfium2.PdfPage, lines: list[Line]) -> bool:
    if sum(len(line.text.split()) for line in lines) >= _SCAN_WORDS:
        return False
    pictures = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    return next(islice(pictures, 1), None) is not None


def _lines(page: pypdfium2.PdfPage, number: int) -> Iterator[Line]:
    with closing(page.get_textpage()) as textpage:
        text = textpage.get_text_range()
        for match in _LINE.finditer(text):
            line = match[0]
            if line.strip():
                first = match.start() + len(line) - len(line.lstrip())
                yield _placed(textpage, line.strip(), number, first)


def _placed(textpage: pypdfium2.PdfTextPage, text: str, page: int, first: int) -> Line:
    # pdfium has no box for characters it made up itself; such a line goes without a place.
    with suppress(pypdfium2.PdfiumError, ValueError, IndexError):
        left, _, _, top = textpage.get_charbox(first, loose=True)
        _, bottom, right, _ = textpage.get_charbox(first + len(text) - 1, loose=True)
        return Line(text, page, left, right, top, bottom)
    return Line(text, page)
