"""Feedback files for Canvas: an archive that "Upload submissions" in SpeedGrader or the gradebook takes.

Canvas gives feedback the name that the pupil's file has there. So it must be of the same kind, or nobody can
open it: Word files with comments for Word files, PDF for PDF.
"""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huleedu.failures.errors import StepError
from results.exports import commenting, papers
from results.exports.kind import ExportKind, Making
from results.exports.kinds import word
from results.exports.pile import Essay
from results.exports.steps.archive import archive
from results.exports.steps.platforms import canvas_name

NO_NAMES = "NAMES_NOT_OF_CANVAS"
NO_NAME = "NAME_NOT_OF_CANVAS"
OTHER_KIND = "CANVAS_KEEPS_KIND"


def make(making: Making) -> None:
    """Write the archive. Raises StepError when no file has a name that Canvas gave it."""
    essays = making.pile.essays
    if not any(canvas_name(essay.filename) for essay in essays):
        raise StepError(NO_NAMES)
    try:
        with papers.press(), archive(making.out, timezone.localtime()) as zipped:
            for essay in essays:
                data = feedback_of(making, essay)
                if data is not None:
                    zipped.add(essay.filename, data)
                making.advance()
    finally:
        commenting.leave()


def feedback_of(making: Making, essay: Essay) -> bytes | None:
    """The essay's feedback in the form of its file; None, and noted, when there can be none."""
    if canvas_name(essay.filename) is None:
        making.leave_out(essay, NO_NAME)
        return None
    if essay.format == word.WORD_FORMAT:
        return word.file_of(making, essay)
    if essay.format == "pdf":
        return papers.pdf_of(making, essay)
    making.leave_out(essay, OTHER_KIND)
    return None


KIND = ExportKind(
    name="canvas",
    label=_("Feedback for Canvas"),
    help=_(
        "Word files with comments, and PDF for those who handed in PDF, named so that Canvas gives them to "
        "the right pupil: upload the ZIP under “Upload submissions”. The essays must have come from "
        "“Download submissions”."
    ),
    stem=_("feedback for Canvas"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=41,
    takes_note=True,
    failures={
        NO_NAMES: _(
            "Canvas finds the pupil by the name that it gave the file, and no file here has such a name. "
            "Use “Download submissions” in Canvas, unpack the ZIP, and drop the folder in a new batch; do "
            "not rename the files."
        ),
    },
    notes={
        **papers.NOTES,
        **word.KIND.notes,
        NO_NAME: _(
            "Its file has no name that Canvas gave it, so it is not in the export. Hand it back by hand."
        ),
        OTHER_KIND: _(
            "Canvas gives a file back as the kind that was handed in, and only Word and PDF can show "
            "marks. It is not in the export; hand its PDF back by hand."
        ),
    },
)
