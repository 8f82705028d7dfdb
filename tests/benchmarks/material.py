"""Essays as files: real texts in the formats teachers send, every one different."""

import csv
import io
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docx import Document
from reportlab.pdfgen.canvas import Canvas

ESSAYS = Path(__file__).resolve().parents[3] / "shared" / "samples" / "essays" / "writing_samples.csv"

LINE_CHARACTERS, PAGE_LINES = 80, 45


@dataclass(frozen=True)
class EssayFile:
    """One file to upload."""

    name: str
    data: bytes


def texts() -> Iterator[str]:
    """Essays without end; a mark at the close tells repeats of the samples apart."""
    with ESSAYS.open(encoding="utf-8", newline="") as file:
        samples = [row["text"] for row in csv.DictReader(file)]
    number = 0
    while True:
        yield f"{samples[number % len(samples)]}\n\nThis is essay number {number}."
        number += 1


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
