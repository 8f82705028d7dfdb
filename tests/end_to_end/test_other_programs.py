"""What is handed back, opened by other people's programs, where these are installed."""

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import docx
import openpyxl
import pytest
from django.contrib.auth.models import User
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement

from batches.models import Batch
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

SOFFICE, QPDF, PDFTOTEXT = (shutil.which(name) for name in ("soffice", "qpdf", "pdftotext"))
OPENERS = [
    [name, *words]
    for name, *words in (["unzip", "-tq"], ["7z", "t"], ["7zz", "t"], ["bsdtar", "-tf"])
    if shutil.which(name)
]
needs_soffice = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is missing")
pytestmark = [pytest.mark.timeout(240)]
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
SWEDISH_CSV = "CSV:59,34,76,1,,1053,false,true"  # separated by ; in UTF-8, numbers as Swedish writes them
TEXT = "Varje morgon händer samma sak på min skola. Åsa och Örjan gick hem. "
Open = Callable[..., bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    """A Word file of many parts, and texts whose names are hard."""
    document = docx.Document()
    paragraph = document.add_paragraph(TEXT * 2 + "Det är orätvist. ")
    document.add_comment(paragraph.runs, "elevens egen", "Astrid", "A")
    paragraph = document.add_paragraph("Hon ")
    inserted = OxmlElement("w:ins", {qn("w:id"): "7", qn("w:author"): "A"})
    inserted.append(docx.Document().add_paragraph().add_run("hejsann sa")._r)
    paragraph._p.append(inserted)
    paragraph.add_run(" att det var orä")
    paragraph.add_run("tvist.").bold = True
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "orätvist i tabell", TEXT
    out = io.BytesIO()
    document.save(out)
    found = pipeline.register(teacher, 4)
    pipeline.upload(found, out.getvalue(), "Åsa Ö.docx")
    pipeline.upload(found, (TEXT * 3 + "orätvist 1").encode(), "=1+1.txt")
    pipeline.upload(found, (TEXT * 3 + "orätvist 22").encode(), "CON.txt")
    pipeline.upload(found, (TEXT * 3 + "orätvist 333 😀").encode(), "å" * 200 + " . .txt")
    pipeline.run()
    return found


@pytest.fixture
def convert(tmp_path: Path) -> Open:
    """Opens a file in LibreOffice and saves it as another kind."""

    def converted(data: bytes, name: str, wanted: str, *options: str) -> bytes:
        source, out = tmp_path / name, tmp_path / "out"
        source.write_bytes(data)
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = ["soffice", profile, "--headless", *options, "--convert-to", wanted, "--outdir", str(out)]
        environment = os.environ | {"HOME": str(tmp_path)}
        subprocess.run([*command, str(source)], env=environment, check=True, capture_output=True, timeout=120)
        return (out / f"{source.stem}.{wanted.partition(':')[0]}").read_bytes()

    return converted


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def parsed(xml: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(xml)  # noqa: S314 - LibreOffice wrote it


def comments_of(page: ElementTree.Element) -> list[tuple[str, str]]:
    """What each comment of a text document says, and what it is on, in their order."""
    said: dict[str, str] = {}
    on: dict[str, str] = {}
    is_open: list[str] = []

    def follow(element: ElementTree.Element) -> None:
        name = element.get(f"{OFFICE}name", "")
        if element.tag == f"{OFFICE}annotation":
            said[name], on[name] = "".join(element.itertext()), ""
            is_open.append(name)
            return
        if element.tag == f"{OFFICE}annotation-end":
            is_open.remove(name)
        add(element.text)
        for child in element:
            follow(child)
            add(child.tail)

    def add(text: str | None) -> None:
        for name in is_open:
            on[name] += text or ""

    follow(page)
    return [(words, on[name]) for name, words in said.items()]


@needs_soffice
def test_comments_in_libreoffice_stand_at_their_words_in_the_same_text(
    pipeline: Pipeline, teacher: User, batch: Batch, convert: Open
) -> None:
    name = "01 Åsa Ö.docx"
    original = unpacked(file_of(made(pipeline, batch, "originals"), teacher))[name]
    commented = unpacked(file_of(made(pipeline, batch, "word"), teacher))[name]
    plain = "txt:Text (encoded):UTF8"
    assert convert(commented, "a.docx", plain) == convert(original, "b.docx", plain)
    page = parsed(convert(commented, "a.docx", "fodt"))
    found = comments_of(page)
    assert [on for words, on in found if "elevens egen" in words] == [TEXT * 2 + "Det är orätvist. "]
    marks = [on for words, on in found if "HuleEdu" in words]
    assert marks == ["orätvist", "hejsann", "orätvist", "orätvist"]


@needs_soffice
def test_tables_in_libreoffice_have_numbers_texts_and_no_formula(
    pipeline: Pipeline, teacher: User, batch: Batch, convert: Open
) -> None:
    book = parsed(convert(file_of(made(pipeline, batch, "xlsx"), teacher), "a.xlsx", "fods"))
    cells = [cell for cell in book.iter(f"{TABLE}table-cell") if cell.get(f"{OFFICE}value-type")]
    assert not any(cell.get(f"{TABLE}formula") for cell in cells)
    kinds = {"".join(cell.itertext()).strip(): cell.get(f"{OFFICE}value-type") for cell in cells}
    assert (kinds["=1+1.txt"], kinds["Åsa Ö.docx"]) == ("string", "string")
    assert {cell.get(f"{OFFICE}value") for cell in cells if cell.get(f"{OFFICE}value-type") == "float"} >= {
        "1",
        "2",
    }
    data = file_of(made(pipeline, batch, "csv", "sv"), teacher)
    converted = convert(data, "b.csv", "xlsx", f"--infilter={SWEDISH_CSV}")
    head, *rows = openpyxl.load_workbook(io.BytesIO(converted)).worksheets[0].iter_rows(values_only=True)
    assert (head[0], head[1]) == ("Uppsats", "Fil")
    assert {row[1] for row in rows} >= {"Åsa Ö.docx", "'=1+1.txt"}
    density = head.index("Markeringar per 100 ord")
    assert all(isinstance(row[0], int) and isinstance(row[density], int | float) for row in rows)


@pytest.mark.skipif(QPDF is None or PDFTOTEXT is None, reason="qpdf or pdftotext is missing")
def test_pdf_files_are_sound_and_read_in_order(
    pipeline: Pipeline, teacher: User, batch: Batch, tmp_path: Path
) -> None:
    for name, data in unpacked(file_of(made(pipeline, batch, "pdf", "sv"), teacher)).items():
        path = tmp_path / "a.pdf"
        path.write_bytes(data)
        checked = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
        assert (checked.returncode, "No syntax or stream encoding errors" in checked.stdout) == (0, True), (
            name
        )
        read = subprocess.run(["pdftotext", "-enc", "UTF-8", str(path), "-"], capture_output=True, check=True)
        said = " ".join(read.stdout.decode().split())
        places = [
            said.index(each) for each in ("Uppsats", "Åsa och Örjan gick hem.", "stavningsmarkering", "Mått")
        ]
        assert places == sorted(places)


@pytest.mark.parametrize("opener", OPENERS, ids=lambda words: words[0])
def test_archives_are_whole_to_other_programs(
    pipeline: Pipeline, teacher: User, batch: Batch, tmp_path: Path, opener: list[str]
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(file_of(made(pipeline, batch, "both"), teacher))
    done = subprocess.run([*opener, str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done
