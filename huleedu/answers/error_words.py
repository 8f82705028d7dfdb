"""Plain words and remedies for every error code, for people. English here, Swedish in locale/."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from huleedu.answers.format_words import with_formats
from huleedu.answers.measures import with_limits
from huleedu.events.phases import PHASES
from huleedu.events.vocabulary import ErrorDetail
from huleedu.failures.errors import ErrorCode
from huleedu.failures.words import Words

REPLACE_REMOVE = ("replace", "remove")
RETRY_REPLACE_REMOVE = ("retry", "replace", "remove")
WORDS: dict[str, Words] = {
    ErrorCode.UNSUPPORTED_FORMAT: Words(
        _("This kind of file can’t be read"),
        with_formats(
            _(
                "Save the essay as {formats}, then replace the file. If it is a photo, ask for a file with "
                "real text."
            )
        ),
        REPLACE_REMOVE,
    ),
    ErrorCode.CORRUPTED_FILE: Words(
        _("The file is damaged"),
        _("Ask for a new copy, or open the file, save it again and replace it."),
        RETRY_REPLACE_REMOVE,
    ),
    ErrorCode.ENCRYPTED_FILE: Words(
        _("The file has a password"),
        _("Remove the password, save the file and replace it."),
        REPLACE_REMOVE,
    ),
    ErrorCode.TIMEOUT: Words(
        _("Reading the file took too long"),
        _("This is usually temporary. Try again; if it happens twice, save the file as PDF and replace it."),
        RETRY_REPLACE_REMOVE,
    ),
    ErrorCode.EMPTY_CONTENT: Words(
        _("No text found"),
        _("The file is empty. Replace it with the file that has the essay."),
        REPLACE_REMOVE,
    ),
    ErrorCode.NO_TEXT_LAYER: Words(
        _("The file is a picture of a page"),
        _("A scan or photo can’t be read. Replace it with a file that has real text."),
        REPLACE_REMOVE,
    ),
    ErrorCode.ARCHIVE_LIMIT: Words(
        _("The file unpacks to too much"),
        _("Open the file, save the essay alone in a new file and replace it."),
        REPLACE_REMOVE,
    ),
    ErrorCode.CONTENT_TOO_SHORT: Words(
        _("The essay is very short"),
        with_limits(
            _(
                "It has less than {n} characters of text. Is it the right file? Replace it with the whole "
                "essay."
            ),
            n="MIN_TEXT_CHARACTERS",
        ),
        REPLACE_REMOVE,
    ),
    ErrorCode.CONTENT_TOO_LONG: Words(
        _("The text is too long for one essay"),
        with_limits(
            _("The file has more than {n} characters. Put one essay in each file and replace it."),
            n="MAX_TEXT_CHARACTERS",
        ),
        REPLACE_REMOVE,
    ),
    ErrorCode.FILE_TOO_LARGE: Words(
        _("The file is too big"),
        with_limits(
            _("At most {size}. Large pictures are the usual reason: remove them and replace the file."),
            size="MAX_FILE_BYTES",
        ),
        REPLACE_REMOVE,
    ),
    ErrorCode.DUPLICATE_CONTENT: Words(
        _("The same file is already here"),
        _("Another file in this batch has exactly the same content. Remove this one, or replace it."),
        REPLACE_REMOVE,
    ),
    ErrorCode.EXCESS_CONTENT: Words(
        _("No place left in the batch"),
        _("Raise the number of essays to make room, or remove this file. The file is kept meanwhile."),
        ("grow", "remove"),
    ),
    ErrorCode.EXTRACTION_FAILED: Words(
        _("We couldn’t get the text out"),
        _("The file is kept. Try again; if that does not help, save it as PDF or plain text and replace it."),
        RETRY_REPLACE_REMOVE,
    ),
    ErrorCode.STORAGE_FAILED: Words(
        _("We couldn’t save the file"),
        _("The fault is on our side, and nothing is lost on your computer. Try again in a moment."),
        ("retry", "remove"),
    ),
    ErrorCode.CONTENT_DAMAGED: Words(
        _("What we stored of this file is damaged"),
        _("It is our fault. Have the file read again; if that does not help, replace it with your own copy."),
        RETRY_REPLACE_REMOVE,
    ),
    ErrorCode.MALWARE: Words(
        _("The file holds something harmful"),
        _("It is locked away and nobody can open it. Ask for a clean copy and replace it."),
        REPLACE_REMOVE,
    ),
    ErrorCode.LANGUAGE_UNSUPPORTED: Words(
        _("The essay is not in Swedish or English"),
        _(
            "Spelling is checked in Swedish and English only, so this essay was not checked. If it is in one "
            "of them, choose the language on the essay’s page."
        ),
        ("support",),
    ),
    ErrorCode.LANGUAGE_UNKNOWN: Words(
        _("The language of the essay is not clear"),
        _("It was not checked. Choose the language on the essay’s page, or the language of the batch."),
        ("support",),
    ),
    **{code: words for phase in PHASES.values() for code, words in phase.failures.items()},
}
UNKNOWN = Words(
    _("Something went wrong"),
    _("Try again; if it happens twice, contact support with the code."),
    ("retry", "support"),
)


def words_for(code: str) -> Words:
    """The words of ``code``; unknown codes have words too."""
    return WORDS.get(code, UNKNOWN)


def in_words(error: Mapping[str, Any] | None) -> str:
    """What a stored error says in the reader's language; empty without one."""
    if not error:
        return ""
    words = words_for(error["error_code"])
    return f"{words.title}. {words.help}"


def make_detail(code: str, operation: str, correlation_id: UUID, **details: Any) -> ErrorDetail:
    """The structured error; its message is English, pages show the reader's language by the code."""
    words = words_for(code)
    with translation.override("en"):
        message = f"{words.title}. {words.help}"
    return ErrorDetail(
        error_code=code,
        message=message,
        correlation_id=correlation_id,
        timestamp=timezone.now(),
        operation=operation,
        details=details,
    )


def catalogue() -> dict[str, dict[str, Any]]:
    """All codes with words in the active language, for pages and scripts."""
    return {
        str(code): {"title": str(words.title), "help": str(words.help), "actions": list(words.actions)}
        for code, words in WORDS.items()
    }
