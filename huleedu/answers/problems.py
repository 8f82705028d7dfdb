"""RFC 9457 problem answers with a stable code and the correlation id; never a stack trace."""

import math
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from huleedu.answers.measures import with_limits
from huleedu.failures.errors import MustWait, Refused, StorageFailed, is_out_of_room
from huleedu.failures.states import InvalidTransition
from huleedu.http.middleware import correlation_id_of

RETRY_SECONDS = 5
BUSY_SECONDS = 10  # until work, or room, may be less
MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)

TITLES = {
    "NOT_FOUND": _("There is nothing here. Check the address."),
    "NOT_SIGNED_IN": _("Sign in first."),
    "FORBIDDEN": _("This is not allowed."),
    "FACTOR_NEEDED": _("This account needs a second factor. Sign in on the pages and set one up first."),
    "CODE_NEEDED": _(
        "This account has a second factor. Send a code of the app, or a recovery code, as “code”; or make a "
        "token on the account page."
    ),
    "INVALID": _("Some values are not right. See the list of errors."),
    "MALFORMED_JSON": _("The body is not proper JSON."),
    "INVALID_TEXT": _("The text holds characters that cannot be stored."),
    "METHOD_NOT_ALLOWED": _("This address does not take that method."),
    "UNSUPPORTED_MEDIA_TYPE": _("The body’s type is not one this address takes."),
    "TOO_MANY_WORDS": _("There are too many accepted words. Remove some that are not needed any more."),
    "TOO_MANY_REQUESTS": _("Too many requests. Wait a moment and try again."),
    "BATCH_CLOSED": _("The batch is over: nothing of it can be changed this way."),
    "WRONG_PAGE": _("The page shows something else than this batch. Load it again, then add the files."),
    "BATCH_DELETED": _("The batch lies in the bin. Restore it first."),
    "END_NOT_ALLOWED": _("Choose a day from today to the last one that your school allows."),
    "BATCH_CHANGED": _("The batch was changed meanwhile, perhaps in another tab. Look again, then decide."),
    "NOTE_CHANGED": _("The note was changed meanwhile, perhaps in another tab. Look at both, then decide."),
    "BATCH_ALREADY_STARTED": _("The batch has started, so its deadline no longer matters."),
    "DEADLINE_PASSED": _("That time has passed. Choose one that is still to come."),
    "DEADLINE_TOO_FAR": _("The deadline may be at most 90 days away."),
    "COUNT_BELOW_ASSIGNED": _("The batch holds more essays than that. Remove files first."),
    "NO_ESSAYS": _("No essay is ready yet. Add files, or wait until they are read."),
    "NOT_AN_ESSAY": _("The file is not an essay yet. Wait until it is read, or replace it."),
    "STEP_NOT_CONFIGURED": _("The batch does not use this step."),
    "NO_CONTENT": _("The file’s content was never stored. Upload it again."),
    "ERASED": _("It has been erased for good and cannot be brought back."),
    "EXPORT_ENDED": _("This export is no longer kept. Make it again: it takes a moment."),
    "EXPORT_NOT_READY": _("The export is not ready. Wait until it is, or make it again."),
    "NOT_REMOVED": _("It has not been removed or replaced lately, so there is nothing to bring back."),
    "REMOVED_BY_TEACHER": _("The teacher has removed this file. Only the teacher can bring it back."),
    "FILE_REMOVED": _("The file was removed. Bring it back first, or upload it again."),
    "FILE_TOO_LARGE": with_limits(
        _("The file is too big. A file may have at most {size}."), size="MAX_FILE_BYTES"
    ),
    "TOO_MANY_FILES": _("The batch is full. Remove files, or make another batch."),
    "DEAD_LETTER_OUTDATED": _("The file or essay has moved on since. Discard the dead letter."),
    "INVALID_STATE": _("That is not possible now. Reload the page to see how things stand."),
    "STORAGE_FAILED": _(
        "The store of files does not answer just now. Nothing is lost; try again in a moment."
    ),
    "CONTENT_DAMAGED": _(
        "What is stored of the file is damaged or gone. Read it again; if that does not help, upload it."
    ),
    "MISCONFIGURED": _(
        "HuleEdu is not set up for this address. Whoever runs it finds in the log which setting is missing."
    ),
    "UNAVAILABLE": _("HuleEdu is waking up or very busy. Try again in a moment."),
    "INTERNAL": _("Something went wrong on our side. Try again; if it happens twice, contact support."),
    "UPLOAD_INCOMPLETE": _(
        "Part of the upload did not arrive. Files that arrived are safe; send the rest again."
    ),
    "MALFORMED_MULTIPART": _("The upload could not be read. Send the files again."),
    "REQUEST_TOO_LARGE": _("The upload is too big. Send fewer files at a time."),
    "IDEMPOTENCY_KEY_REUSED": _("This key was used for another request. Use a new key."),
    "IDEMPOTENCY_KEY_INVALID": _("The key must be 1 to 255 plain characters."),
    "REQUEST_IN_PROGRESS": _("The same request is still being carried out. Try again in a moment."),
    "WRONG_CREDENTIALS": _("The user name or the password is not right."),
    "REQUEST_TIMEOUT": _("The upload took too long to arrive. Try again."),
    "NO_FILES": _("No file came with the request. Choose at least one file."),
    "TOO_MANY_FIELDS": _("The request has too many fields."),
    "QUEUE_FULL": _(
        "Very many of your files wait to be read. They go on by themselves; try again in a moment."
    ),
    "NO_ROOM_LEFT": with_limits(
        _(
            "Your files take up all the room you have, {size}. Remove what you no longer need, or ask "
            "whoever runs HuleEdu for more."
        ),
        size="TEACHER_BYTES",
    ),
    "TOO_MANY_FILES_TODAY": with_limits(
        _(
            "No more files can be added today: the most for one day is {n}. Add the others tomorrow, or "
            "ask whoever runs HuleEdu for more."
        ),
        n="TEACHER_FILES_A_DAY",
    ),
    "TOO_MANY_BATCHES_TODAY": with_limits(
        _(
            "No more batches can be made today: the most for one day is {n}. Make the next one tomorrow, "
            "or ask whoever runs HuleEdu for more."
        ),
        n="TEACHER_BATCHES_A_DAY",
    ),
    "DAY_FULL": _(
        "HuleEdu has taken in as much as it may in one day. Go on tomorrow, or ask whoever runs HuleEdu."
    ),
    "STORAGE_FULL": _("There is no room left to store files. Nothing is lost; ask whoever runs HuleEdu."),
}
STATUS_OF_REFUSAL = {
    "ERASED": 410,
    "EXPORT_ENDED": 410,
    "NOT_SIGNED_IN": 401,
    "FILE_TOO_LARGE": 413,
    "TOO_MANY_FILES": 409,
    "BATCH_CHANGED": 412,
    "NOTE_CHANGED": 412,
    "UNAVAILABLE": 503,
    "QUEUE_FULL": 503,
    "STORAGE_FULL": 507,
}


class Problem(exceptions.APIException):
    """A refusal by the API itself, with its HTTP status and stable code."""

    def __init__(self, status_code: int, code: str, retry_after: int | None = None, **facts: Any) -> None:
        super().__init__(TITLES[code], code)
        self.status_code = status_code
        self.problem_code = code
        self.retry_after = retry_after
        self.facts = facts


def problem_body(request: HttpRequest, status_code: int, code: str) -> dict[str, Any]:
    """What every problem says (RFC 9457)."""
    return {
        "type": "about:blank",
        "title": str(TITLES[code]),
        "status": status_code,
        "code": code,
        "correlation_id": str(correlation_id_of(request)),
    }


def plain_problem(request: HttpRequest, status_code: int, code: str) -> JsonResponse:
    """The answer for ``code`` from outside the API's own views."""
    body = problem_body(request, status_code, code)
    return JsonResponse(body, status=status_code, content_type=MEDIA_TYPE)


def problem_response(
    request: HttpRequest, status_code: int, code: str, retry_after: int | None = None, **facts: Any
) -> Response:
    """The answer for ``code``; ``retry_after`` in seconds."""
    body = problem_body(request, status_code, code) | facts
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Response(body, status=status_code, headers=headers, content_type=MEDIA_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever an API view raised into a problem answer."""
    request: HttpRequest = context["request"]._request
    set_rollback()
    response = response_to(request, error)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        response.headers["WWW-Authenticate"] = challenge
    return response


def response_to(request: HttpRequest, error: Exception) -> Response:
    """The problem answer for ``error``."""
    if isinstance(error, Problem):
        return problem_response(
            request, error.status_code, error.problem_code, error.retry_after, **error.facts
        )
    if isinstance(error, Refused):
        code = STATUS_OF_REFUSAL.get(error.code, 409)
        retry_after = BUSY_SECONDS if code >= status.HTTP_500_INTERNAL_SERVER_ERROR else None
        return problem_response(request, code, error.code, retry_after, details=error.facts)
    if isinstance(error, exceptions.ValidationError):
        return problem_response(request, 400, "INVALID", errors=error.detail)
    return other_response(request, error)


def other_response(request: HttpRequest, error: Exception) -> Response:
    """Answers for errors without facts of their own."""
    if isinstance(error, MustWait):
        code = "UNAVAILABLE" if error.busy else "TOO_MANY_REQUESTS"
        return problem_response(request, error.status, code, error.seconds)
    if isinstance(error, exceptions.Throttled):
        wait = math.ceil(getattr(error, "wait", None) or RETRY_SECONDS)
        return problem_response(request, 429, "TOO_MANY_REQUESTS", wait)
    if isinstance(error, TooManyFilesSent):
        details = {"limit": settings.DATA_UPLOAD_MAX_NUMBER_FILES}
        return problem_response(request, 400, "TOO_MANY_FILES", details=details)
    if is_out_of_room(error):
        return problem_response(request, 507, "STORAGE_FULL", RETRY_SECONDS)
    for kinds, status_code, code, retry_after in ANSWERS:
        if isinstance(error, kinds):
            return problem_response(request, status_code, code, retry_after)
    log.error("api.failed", status="error", exc_info=error)
    return problem_response(request, status.HTTP_500_INTERNAL_SERVER_ERROR, "INTERNAL")


ANSWERS: list[tuple[tuple[type[Exception], ...], int, str, int | None]] = [
    ((Http404, exceptions.NotFound), 404, "NOT_FOUND", None),
    ((exceptions.NotAuthenticated, exceptions.AuthenticationFailed), 401, "NOT_SIGNED_IN", None),
    ((PermissionDenied, exceptions.PermissionDenied), 403, "FORBIDDEN", None),
    ((exceptions.ParseError,), 400, "MALFORMED_JSON", None),
    ((exceptions.MethodNotAllowed,), 405, "METHOD_NOT_ALLOWED", None),
    ((exceptions.UnsupportedMediaType,), 415, "UNSUPPORTED_MEDIA_TYPE", None),
    ((RequestDataTooBig,), 413, "REQUEST_TOO_LARGE", None),
    ((TooManyFieldsSent,), 400, "TOO_MANY_FIELDS", None),
    ((MultiPartParserError, UnreadablePostError), 400, "MALFORMED_MULTIPART", None),
    ((SuspiciousOperation,), 400, "INVALID", None),
    ((InvalidTransition,), 409, "INVALID_STATE", None),
    ((StorageFailed,), 503, "STORAGE_FAILED", RETRY_SECONDS),
    ((DatabaseError, InterfaceError), 503, "UNAVAILABLE", RETRY_SECONDS),
]
