"""One table of all files as CSV, for any spreadsheet or program."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_lazy as _

from results.exports import tables
from results.exports.kind import ExportKind, Making
from results.exports.pile import Pile
from results.exports.steps import csv_text


def rows(pile: Pile) -> Iterator[Sequence[tables.Value]]:
    """The essays by number, then the other files in the same columns."""
    headings = tables.essay_headings(pile)
    yield headings
    for essay in pile.essays:
        yield tables.essay_row(pile, essay)
    for other in pile.others:
        filled = [None, *tables.named(other), other.words]
        gap = [None] * (len(headings) - len(filled) - 2)
        yield [*filled, *gap, other.state, other.problem]


def make(making: Making) -> None:
    """Write the table."""
    csv_text.write(making.out, rows(making.pile), making.language)


KIND = ExportKind(
    name="csv",
    label=_("CSV"),
    help=_("One table of all essays and files, for any spreadsheet or program."),
    stem=_("table"),
    ending="csv",
    media_type="text/csv; charset=utf-8",
    make=make,
    order=60,
    needs_essays=False,
)
