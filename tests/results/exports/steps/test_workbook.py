"""Workbooks, read by another library than the one that writes them."""

import io
import zipfile

import openpyxl
import pytest

from results.exports.steps import workbook
from results.exports.steps.workbook import Sheet, Value

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "＝1",
    "{=1}",
    "http://example.org",
    "0123",
    "#N/A",
    "TRUE",
]


def written(*sheets: Sheet) -> bytes:
    out = io.BytesIO()
    workbook.write(out, "Titel", sheets)
    return out.getvalue()


def test_types_are_real_and_the_headings_stay_in_view() -> None:
    rows: list[list[Value]] = [[1, "Åsa 😀.txt", 7.25, None], [2, "b", 0.0, ""]]
    data = written(
        Sheet("Uppsatser", ["Nr", "Fil", "Täthet", "Fel"], rows, [0, 0, 2]), Sheet("Märken", ["A"], [])
    )
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Uppsatser", "Märken"]
    page = book["Uppsatser"]
    assert [cell.value for cell in page[2]] == [1, "Åsa 😀.txt", 7.25, None]
    assert [cell.data_type for cell in page[2]][:3] == ["n", "s", "n"]
    assert page["D3"].data_type == "n"  # empty, as D2 is, and counted as no text
    assert page["C2"].number_format == "0.00"
    assert page.freeze_panes == "A2"
    assert book.properties.title == "Titel"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_anything_else(text: str) -> None:
    data = written(Sheet("A", ["B"], [[text]]))
    cell = openpyxl.load_workbook(io.BytesIO(data))["A"]["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        page = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in page and b"hyperlink" not in page


def test_typed_into_it_stays_a_text() -> None:
    data = written(Sheet("A", ["B"], [["=1+1"], ["b"]]))
    page = openpyxl.load_workbook(io.BytesIO(data))["A"]
    assert page["A2"].quotePrefix and not page["A3"].quotePrefix


def test_what_excel_would_take_for_an_escape_is_none() -> None:
    data = written(Sheet("A", ["B"], [["_x0041_"]]))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert b"_x005F_x0041_" in parts.read("xl/worksheets/sheet1.xml")
