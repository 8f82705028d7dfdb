"""Documents made for tests, ordinary and hostile."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import docx
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from huleedu.errors import ErrorCode, StepError

SAMPLES = Path(__file__).resolve().parents[1] / "samples"

ESSAY = "Varje höst åker vi till mormors stuga vid sjön, där älgarna går förbi på morgonen."

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
NAMESPACES = f'xmlns:w="{_WORD}" xmlns:r="{_OFFICE}" xmlns:mc="{_COMPATIBILITY}"'

# The smallest picture that every reader takes: one grey pixel.
_PIXEL = b"P5 1 1 255\n\x80"


def failure(error: pytest.ExceptionInfo[StepError]) -> ErrorCode:
    return error.value.code


def word(*paragraphs: str) -> bytes:
    """A DOCX as python-docx writes it."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def part(element: str, content: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{element} {NAMESPACES}>{content}</w:{element}>'


def raw_word(body: str, parts: Mapping[str, str] | None = None) -> bytes:
    """A DOCX with this XML as its body; ``parts`` are header1, footnotes … related to it by their name."""
    parts = parts or {}
    relations = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{name.rstrip("0123456789")}" Target="{name}.xml"/>'
        for name in parts
    )
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": part("document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{relations}</Relationships>',
            **{f"word/{name}.xml": content for name, content in parts.items()},
        }
    )


def paragraph(content: str) -> str:
    return f"<w:p>{content}</w:p>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def pdf(pages: Iterable[Iterable[str]], password: str | None = None, owner_password: str = "") -> bytes:
    """A PDF with these lines on each page, 14 points apart; an empty line leaves a gap."""
    stream = io.BytesIO()
    encryption = None
    if password is not None:
        encryption = StandardEncryption(password, ownerPassword=owner_password, strength=128)
    canvas = Canvas(stream, invariant=1, encrypt=encryption)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(72, 780 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def scanned_pdf() -> bytes:
    """A PDF of one page that is a picture."""
    stream = io.BytesIO()
    canvas = Canvas(stream, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(_PIXEL)), 0, 0, 595, 842)
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


def spinning_pdf(title: str = "", doublings: int = 28) -> bytes:
    """A PDF of a few kB that costs hours to read: each form draws the next one twice, ``doublings`` deep.

    ``title`` makes its bytes differ from those of another.
    """
    forms = 5  # the number of the first
    pages = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R{drawing(forms)}>>",
        pdf_stream("", "/F Do"),
    ]
    form = "/Type/XObject/Subtype/Form/BBox[0 0 595 842]"
    for number in range(forms, forms + doublings):
        pages.append(pdf_stream(form + drawing(number + 1), "/F Do /F Do"))
    pages.append(pdf_stream(form, f"% {title}"))
    return pdf_file(pages)


def drawing(form: int) -> str:
    return f"/Resources<</XObject<</F {form} 0 R>>>>"


def pdf_stream(dictionary: str, content: str) -> str:
    return f"<<{dictionary}/Length {len(content)}>>stream\n{content}\nendstream"


def pdf_file(objects: Iterable[str]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(places) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
    return body + f"{end}startxref\n{len(body)}\n%%EOF".encode()
