"""Essays as PDF files, for every kind that hands them back."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext_lazy as _

from huleedu.failures.errors import ContentDamaged, StepError
from results.exports import typeset
from results.exports.kind import CONTENT_DAMAGED, Making
from results.exports.paper import paper
from results.exports.pile import Essay
from results.exports.steps.typesetting import FAILED

LETTERS_MISSING = "LETTERS_MISSING"
NOTES = {
    FAILED: _("Its text could not be set as a PDF. Print it from its page instead."),
    LETTERS_MISSING: _(
        "Our fonts lack some of its signs, so the PDF shows boxes for them and says so. Print the essay from "
        "its page instead."
    ),
}


@contextmanager
def press() -> Iterator[None]:
    """While PDF files are made; what they need of memory is given back after the block."""
    try:
        yield
    finally:
        typeset.leave()


def pdf_of(making: Making, essay: Essay) -> bytes | None:
    """The essay as PDF; None, and noted, when it cannot be made. Raises ``StorageFailed``."""
    try:
        text = making.text(essay)
    except ContentDamaged:
        making.leave_out(essay, CONTENT_DAMAGED)
        return None
    try:
        told = paper(making.pile, essay, text, making.language, with_note=making.with_note)
        pdf, lacking = typeset.typeset(told)
    except StepError as error:
        making.leave_out(essay, error.code)
        return None
    if lacking:
        making.leave_out(essay, LETTERS_MISSING, " ".join(lacking))
    return pdf


def original_of(making: Making, essay: Essay) -> bytes | None:
    """The essay's file as it came; None, and noted, when it is damaged. Raises ``StorageFailed``."""
    try:
        return making.original(essay)
    except ContentDamaged:
        making.leave_out(essay, CONTENT_DAMAGED)
        return None
