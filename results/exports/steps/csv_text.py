"""A table as CSV: UTF-8 with a mark at the beginning, separated as spreadsheets of the language expect it."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO

from results.exports.steps.cells import harmless

MARK = "\ufeff"  # without it Excel takes UTF-8 for something else
DECIMAL_COMMA = frozenset({"sv"})  # languages in which a comma is in numbers, so that it parts no cells
Value = str | int | float | None


def write(out: IO[bytes], rows: Iterable[Sequence[Value]], language: str) -> None:
    """Write ``rows`` to ``out``; numbers as ``language`` writes them, without thousands."""
    comma = language in DECIMAL_COMMA
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if comma else ",", lineterminator="\r\n")
    out.write(MARK.encode())
    for row in rows:
        writer.writerow([cell(value, comma=comma) for value in row])
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def cell(value: Value, *, comma: bool) -> str:
    """One value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return str(value).replace(".", ",") if comma else str(value)
