"""What somebody who is signed in was not allowed is written to the security log."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from huleedu.http.callers import known_user_id
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

log = structlog.get_logger(__name__)


class RefusalMiddleware:
    """Sees every answer 403; the answer stays one, whatever becomes of the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user_id = known_user_id(request)
        if response.status_code == HTTPStatus.FORBIDDEN and user_id is not None:
            try:
                record(SecurityKind.REFUSED, account=user_id)
            except (DatabaseError, InterfaceError):
                log.exception("security_log.failed", user_id=user_id)
        return response
