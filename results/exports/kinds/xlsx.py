"""A workbook with sheets of essays, of files that did not become essays, and of marks."""

from collections.abc import Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from results.exports import tables
from results.exports.kind import ExportKind, Making
from results.exports.pile import Pile
from results.exports.steps import workbook
from results.exports.steps.workbook import Sheet

FIRST_FIGURE = 8  # column


def sheets(pile: Pile) -> Iterator[Sheet]:
    """The three sheets."""
    digits = [0] * FIRST_FIGURE + [heading.digits for heading in pile.headings]
    essays = (tables.essay_row(pile, essay) for essay in pile.essays)
    yield Sheet(gettext("Essays"), tables.essay_headings(pile), essays, digits)
    others = (tables.other_row(other) for other in pile.others)
    yield Sheet(gettext("Other files"), tables.other_headings(), others)
    marks = (row for essay in pile.essays for row in tables.mark_rows(essay))
    yield Sheet(gettext("Marks"), tables.mark_headings(), marks)


def make(making: Making) -> None:
    """Write the workbook."""
    workbook.write(making.out, making.pile.title, sheets(making.pile))


KIND = ExportKind(
    name="xlsx",
    label=_("Excel"),
    help=_("A workbook with sheets of essays, of other files, and of all marks."),
    stem=_("table"),
    ending="xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    make=make,
    order=50,
    needs_essays=False,
)
