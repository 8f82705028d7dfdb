"""Tables as a workbook (XLSX): numbers are numbers, texts are texts, and no cell is ever a formula."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook

from results.exports.steps.cells import begins_formula, cleaned

Value = str | int | float | None
WIDEST, NARROWEST = 48, 8
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_future_functions": False,
}


@dataclass(frozen=True)
class Sheet:
    """A sheet with its first row, which stays in view, and how many digits numbers of a column have."""

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Value]]
    digits: Sequence[int] = ()


def write(out: IO[bytes], title: str, sheets: Iterable[Sheet]) -> None:
    """Write a workbook of ``sheets`` to ``out``, row by row."""
    with Workbook(out, OPTIONS) as book:
        book.set_properties({"title": cleaned(title)})
        formats = Formats(book)
        for sheet in sheets:
            add(book, sheet, formats)


class Formats:
    """The formats of cells, each made once."""

    def __init__(self, book: Workbook) -> None:
        self.heading = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        self.text = book.add_format({"valign": "top"})
        # Typed into, such a cell stays a text.
        self.quoted = book.add_format({"valign": "top", "quote_prefix": True})
        self._book = book
        self._numbers: dict[int, Format] = {}

    def number(self, digits: int) -> Format:
        """Of numbers with so many digits after the comma."""
        if digits not in self._numbers:
            shown = "0." + "0" * digits if digits else "0"
            self._numbers[digits] = self._book.add_format({"num_format": shown, "valign": "top"})
        return self._numbers[digits]


def add(book: Workbook, sheet: Sheet, formats: Formats) -> None:
    """Add one sheet."""
    page = book.add_worksheet(sheet.name)
    page.freeze_panes(1, 0)
    for column, heading in enumerate(sheet.headings):
        page.set_column(column, column, min(WIDEST, max(NARROWEST, len(heading) + 2)))
        page.write_string(0, column, cleaned(heading), formats.heading)
    last = 0
    for number, row in enumerate(sheet.rows, 1):
        last = number
        for column, value in enumerate(row):
            if value == "":
                continue  # an empty text would be counted as one
            if isinstance(value, str):
                text = cleaned(value)
                page.write_string(
                    number, column, text, formats.quoted if begins_formula(text) else formats.text
                )
            elif value is not None:
                digits = sheet.digits[column] if column < len(sheet.digits) else 0
                page.write_number(number, column, value, formats.number(digits))
    page.autofilter(0, 0, max(last, 1), len(sheet.headings) - 1)
