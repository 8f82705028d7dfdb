"""Documents made for tests, ordinary and hostile."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import docx
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from huleedu.failures.errors import StepError

SAMPLES = Path(__file__).resolve().parents[1] / "samples"

ESSAY = "Varje höst åker vi till mormors stuga vid sjön, där älgarna går förbi på morgonen."

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
NAMESPACES = f'xmlns:w="{_WORD}" xmlns:r="{_OFFICE}" xmlns:mc="{_COMPATIBILITY}"'

# The smallest picture that every reader takes: one grey pixel.
_PIXEL = b"P5 1 1 255\n\x80"


def failure(error: pytest.ExceptionInfo[StepError]) -> str:
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


def spinning_pdf(title: str = "") -> bytes:
    """A PDF of 120 kB that takes minutes to read and little memory: a page draws a form 20,000 times.

    The form is a megabyte of nothing when unpacked. ``title`` makes its bytes differ from those of another.
    """
    nothing = zlib.compress(f"% {title}\n".encode() + b"q Q " * 250_000, 9)
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Filter/FlateDecode"
    page = b"/Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>"
    return pdf_file(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<<" + page + b">>",
            pdf_stream(b"", b"/F Do " * 20_000),
            pdf_stream(form, nothing),
        ]
    )


def pdf_stream(dictionary: bytes, content: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (dictionary, len(content), content)


def pdf_file(objects: Iterable[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(places) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
    return body + f"{end}startxref\n{len(body)}\n%%EOF".encode()
