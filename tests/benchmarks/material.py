"""Essays as files: invented texts in the formats teachers send, every one different."""

import io
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, permutations
from pathlib import Path

from docx import Document
from reportlab.pdfgen.canvas import Canvas

PARAGRAPHS = Path(__file__).resolve().parent / "essays_en.txt"

LINE_CHARACTERS, PAGE_LINES = 80, 45


@dataclass(frozen=True)
class EssayFile:
    """One file to upload."""

    name: str
    data: bytes


def texts() -> Iterator[str]:
    """Essays of about 120 words without end, every one different."""
    paragraphs = PARAGRAPHS.read_text(encoding="utf-8").strip().split("\n\n")
    for number, (first, second) in enumerate(cycle(permutations(paragraphs, 2))):
        yield f"{first}\n\n{second}\n\nThis is essay number {number}."


def as_docx(text: str) -> bytes:
    """A Word document of plain paragraphs."""
    document = Document()
    for paragraph in text.split("\n\n"):
        document.add_paragraph(paragraph)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def as_pdf(text: str) -> bytes:
    """A PDF with a text layer."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    lines = [
        line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, LINE_CHARACTERS) or [""]
    ]
    for start in range(0, len(lines), PAGE_LINES):
        for place, line in enumerate(lines[start : start + PAGE_LINES]):
            canvas.drawString(72, 770 - 14 * place, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


MAKERS: dict[str, Callable[[str], bytes]] = {"docx": as_docx, "pdf": as_pdf, "txt": str.encode}


def essay_files() -> Iterator[EssayFile]:
    """Files without end: .docx, .pdf and .txt in turn."""
    for number, text in enumerate(texts()):
        kind = list(MAKERS)[number % 3]
        data = MAKERS[kind](text)
        yield EssayFile(f"essay {number}.{kind}", data)
