"""The pupils' own Word files with the marks as comments, in one archive."""

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huleedu.failures.errors import ContentDamaged, StepError
from results.exports import commenting, papers
from results.exports.kind import ExportKind, Making
from results.exports.pile import Essay, Mark
from results.exports.steps.archive import archive
from results.exports.steps.names import numbered

WORD_FORMAT = "docx"
NOT_WORD = "NOT_WORD"
MARKS_NOT_PLACED = "MARKS_NOT_PLACED"
SUGGESTIONS = 3


def make(making: Making) -> None:
    """Write the archive."""
    essays = making.pile.essays
    try:
        with archive(making.out, timezone.localtime()) as zipped:
            for essay in essays:
                data = file_of(making, essay)
                if data is not None:
                    zipped.add(numbered(essay.number, essays[-1].number, essay.filename), data)
                making.advance()
    finally:
        commenting.leave()


def file_of(making: Making, essay: Essay) -> bytes | None:
    """The essay's file with comments; as it came, and noted, when it cannot have them."""
    original = papers.original_of(making, essay)
    if original is None:
        return None
    if essay.format != WORD_FORMAT:
        making.leave_out(essay, NOT_WORD)
        return original
    comments = [(mark.start, mark.end, words(mark)) for mark in essay.marks or ()]
    if not comments:
        return original
    try:
        made, placed = commenting.commented(original, making.text(essay), comments)
    except (StepError, ContentDamaged):
        making.leave_out(essay, commenting.FAILED)
        return original
    if placed < len(comments):
        making.leave_out(essay, MARKS_NOT_PLACED)
    return made


def words(mark: Mark) -> str:
    """What a mark's comment says."""
    if not mark.suggestions:
        return gettext("Spelling: is this the right word?")
    return gettext("Spelling: %(words)s") % {"words": ", ".join(mark.suggestions[:SUGGESTIONS])}


KIND = ExportKind(
    name="word",
    label=_("Word with comments"),
    help=_("The pupils’ own Word files, with the marks as comments in the margin, in one ZIP."),
    stem=_("Word with comments"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=20,
    notes={
        NOT_WORD: _("It is no Word file (.docx), so it is there as it came, without comments."),
        commenting.FAILED: _(
            "It could not be given comments without changing it, so it is there as it came."
        ),
        MARKS_NOT_PLACED: _(
            "Some marks found no place in the Word file, such as those in headers. Its PDF has all."
        ),
    },
)
