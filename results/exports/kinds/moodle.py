"""Feedback files for Moodle: an archive that "Upload multiple feedback files in a zip" takes."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huleedu.failures.errors import StepError
from results.exports import papers
from results.exports.kind import ExportKind, Making
from results.exports.steps.archive import archive
from results.exports.steps.platforms import moodle_place

NO_NAMES = "NAMES_NOT_OF_MOODLE"
NO_NAME = "NAME_NOT_OF_MOODLE"


def make(making: Making) -> None:
    """Write the archive. Raises StepError when no file has a name that Moodle gave it."""
    essays = making.pile.essays
    if not any(moodle_place(essay.folder, essay.filename, "pdf") for essay in essays):
        raise StepError(NO_NAMES)
    with papers.press(), archive(making.out, timezone.localtime()) as zipped:
        for essay in essays:
            place = moodle_place(essay.folder, essay.filename, "pdf")
            if place is None:
                making.leave_out(essay, NO_NAME)
            else:
                pdf = papers.pdf_of(making, essay)
                if pdf is not None:
                    zipped.add(place[1], pdf, place[0])
            making.advance()


KIND = ExportKind(
    name="moodle",
    label=_("Feedback for Moodle"),
    help=_(
        "A PDF of each essay, named so that Moodle gives it to the right pupil: upload the ZIP under "
        "“Upload multiple feedback files in a zip”. The essays must have come from Moodle’s “Download all "
        "submissions”."
    ),
    stem=_("feedback for Moodle"),
    ending="zip",
    media_type="application/zip",
    make=make,
    order=40,
    takes_note=True,
    failures={
        NO_NAMES: _(
            "Moodle finds the pupil by the name that it gave the file, and no file here has such a name. "
            "Use “Download all submissions” in Moodle, unpack the ZIP, and drop the folder in a new batch; "
            "do not rename the files."
        ),
    },
    notes={
        **papers.NOTES,
        NO_NAME: _(
            "Its file has no name that Moodle gave it, so it is not in the export. Hand it back by hand."
        ),
    },
)
