"""Why an export failed, and what could not be done for an essay of one: every code in a teacher's words."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huleedu.answers.measures import with_limits
from huleedu.answers.problems import TITLES
from results.exports.kind import CONTENT_DAMAGED, EXPORT_FAILED, EXPORT_TOO_LARGE, EXPORT_TOO_SLOW, Words
from results.exports.registry import KINDS

FAILURES: dict[str, Words] = {
    EXPORT_FAILED: _("It could not be made. Try again; if it fails twice, contact support."),
    EXPORT_TOO_LARGE: with_limits(
        _("It would be larger than {size}, the most that one export may be. Choose another kind."),
        size="MAX_EXPORT_BYTES",
    ),
    EXPORT_TOO_SLOW: _("It took too long. Try again when less is going on, or choose another kind."),
    "NO_ROOM_LEFT": TITLES["NO_ROOM_LEFT"],
    "NO_ESSAYS": TITLES["NO_ESSAYS"],
    "STORAGE_FULL": TITLES["STORAGE_FULL"],
    **{code: words for kind in KINDS.values() for code, words in kind.failures.items()},
}
NOTES: dict[str, Words] = {
    CONTENT_DAMAGED: _("What is stored of the file is damaged, so it is not in the export."),
    **{code: words for kind in KINDS.values() for code, words in kind.notes.items()},
}


def failure_in_words(code: str) -> str:
    """Why an export failed, and what to do."""
    return str(FAILURES.get(code, FAILURES[EXPORT_FAILED]))


def note_in_words(code: str, signs: str = "") -> str:
    """What could not be done for an essay, and the signs that it is about."""
    words = str(NOTES.get(code, code))
    return " ".join([words, gettext("Missing signs: %(signs)s") % {"signs": signs}]) if signs else words
