"""A correlation id for every request, and no personal data in shared caches."""

from collections.abc import Callable
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse

from huleedu.logs import bound

HEADER = "X-Correlation-ID"
Handler = Callable[[HttpRequest], HttpResponse]


def correlation_id_of(request: HttpRequest) -> UUID:
    """The request's correlation id: the client's when it is a uuid, ours otherwise."""
    known = request.META.get("huleedu.correlation_id")
    if isinstance(known, UUID):
        return known
    try:
        correlation_id = UUID(request.headers.get(HEADER, ""))
    except ValueError:
        correlation_id = uuid4()
    request.META["huleedu.correlation_id"] = correlation_id
    return correlation_id


class CorrelationMiddleware:
    """Take or make the correlation id, put it on log lines, and return it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        correlation_id = correlation_id_of(request)
        with bound(corr_id=correlation_id):
            response = self.get_response(request)
        response.headers[HEADER] = str(correlation_id)
        return response


class PrivateCacheMiddleware:
    """Pages and answers hold personal data: nobody may keep them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
