"""The essays' files as they came, numbered, in one archive."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from results.exports import papers
from results.exports.kind import ExportKind, Making
from results.exports.steps.archive import archive
from results.exports.steps.names import numbered


def make(making: Making) -> None:
    """Write the archive."""
    essays = making.pile.essays
    with archive(making.out, timezone.localtime()) as zipped:
        for essay in essays:
            data = papers.original_of(making, essay)
            if data is not None:
                zipped.add(numbered(essay.number, essays[-1].number, essay.filename), data)
            making.advance()


KIND = ExportKind(
    name="originals",
    label=_("Original files"),
    help=_("The essays’ files as they came, numbered, in one ZIP."),
    stem=_("original files"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=30,
)
