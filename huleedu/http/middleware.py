"""A correlation id for every request, and no personal data in shared caches."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from huleedu.http.callers import calling, known_user_id
from huleedu.logs import bound
from huleedu.outside.endpoints import budget
from huleedu.outside.metrics import count_answer

HEADER = "X-Correlation-ID"
LOGGED_IDS = ("batch_id", "file_upload_id", "essay_id")
UNLOGGED_ROUTES = frozenset({"healthz", "readyz", "metrics"})  # asked every few seconds
log = structlog.get_logger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]


def correlation_id_of(request: HttpRequest) -> UUID:
    """The request's correlation id: the client's when it is a uuid, ours otherwise."""
    known = request.META.get("huleedu.correlation_id")
    if isinstance(known, UUID):
        return known
    request.META["huleedu.correlation_id"] = chosen = choose_correlation_id(request.headers.get(HEADER, ""))
    return chosen


def choose_correlation_id(told: str) -> UUID:
    """What the client told when it is a uuid, a fresh one otherwise."""
    try:
        return UUID(told)
    except ValueError:
        return uuid4()


class CorrelationMiddleware:
    """Take or make the correlation id, put it on log lines, and return it; one log line per request."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        correlation_id = correlation_id_of(request)
        started = time.monotonic()
        with bound(corr_id=correlation_id), budget(settings.STORE_SECONDS), calling(request):
            response = self.get_response(request)
            log_request(request, response.status_code, time.monotonic() - started)
        response.headers[HEADER] = str(correlation_id)
        return response


def log_request(request: HttpRequest, status_code: int, seconds: float) -> None:
    """One line: the route, its ids and the user's, never the address, which may hold names or words."""
    match = request.resolver_match
    if match is None or match.route not in UNLOGGED_ROUTES:
        count_answer(status_code)
    if match.route in UNLOGGED_ROUTES if match else status_code < 400:
        return  # without a route and well: a static file
    user_id = known_user_id(request)
    log.info(
        "request.ended",
        method=request.method,
        route=match.route if match else None,
        status=str(status_code),
        duration_ms=round(seconds * 1000),
        **({} if user_id is None else {"user_id": user_id}),
        **logged_ids(match.kwargs if match else {}),
    )


def logged_ids(told: Mapping[str, object]) -> dict[str, str]:
    """The ids in an address; what stands there in place of one, a name perhaps, is left out."""
    return {name: str(value) for name, value in told.items() if name in LOGGED_IDS and is_id(value)}


def is_id(value: object) -> bool:
    """Whether it is a uuid, or spells one."""
    with suppress(ValueError):
        return bool(UUID(str(value)))
    return False


class PrivateCacheMiddleware:
    """Pages and answers hold personal data: nobody may keep them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
