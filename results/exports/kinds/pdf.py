"""A PDF of each essay with its marks, in one archive."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from results.exports import papers
from results.exports.kind import ExportKind, Making
from results.exports.steps.archive import archive
from results.exports.steps.names import numbered


def make(making: Making) -> None:
    """Write the archive."""
    essays = making.pile.essays
    with papers.press(), archive(making.out, timezone.localtime()) as zipped:
        for essay in essays:
            pdf = papers.pdf_of(making, essay)
            if pdf is not None:
                zipped.add(numbered(essay.number, essays[-1].number, essay.filename, "pdf"), pdf)
            making.advance()


KIND = ExportKind(
    name="pdf",
    label=_("PDF of each essay"),
    help=_("A PDF of each essay with its marks and figures, to print or to hand back, in one ZIP."),
    stem=_("PDF"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=10,
    takes_note=True,
    notes=papers.NOTES,
)
