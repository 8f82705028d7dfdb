"""The essays' files as they came, and a PDF of each beside it, in one archive."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from results.exports import papers
from results.exports.kind import ExportKind, Making
from results.exports.steps.archive import archive
from results.exports.steps.names import numbered


def make(making: Making) -> None:
    """Write the archive; a PDF that came says in its name which one is ours."""
    essays = making.pile.essays
    with papers.press(), archive(making.out, timezone.localtime()) as zipped:
        for essay in essays:
            name = numbered(essay.number, essays[-1].number, essay.filename)
            data = papers.original_of(making, essay)
            if data is not None:
                zipped.add(name, data)
            pdf = papers.pdf_of(making, essay)
            if pdf is not None:
                zipped.add(numbered(essay.number, essays[-1].number, essay.filename, "pdf"), pdf)
            making.advance()


KIND = ExportKind(
    name="both",
    label=_("Originals and PDF"),
    help=_("Each essay’s file as it came, and its PDF with marks beside it, in one ZIP."),
    stem=_("files and PDF"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=31,
    takes_note=True,
    notes=papers.NOTES,
)
