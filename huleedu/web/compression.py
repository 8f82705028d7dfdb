"""Which answers are compressed: those whose length cannot tell a secret."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED_TYPES = ("text/html", "application/json")


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages and lists that hold nothing of the request's own words.

    A text that somebody else can choose, beside a secret, makes the compressed length tell the secret
    letter by letter (BREACH). So an address with a query, a form's answer, and an address that was not
    found go uncompressed; Django adds random bytes to the others. An ``ETag`` names exact bytes: left alone.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """The answer, compressed where that is safe and the client can read it."""
        return super().process_response(request, response) if is_safe(request, response) else response


def is_safe(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether nothing of the request can stand in the answer but the ids of the caller's own rows."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.META.get("QUERY_STRING")
        and response.status_code == 200
        and response.headers.get("Content-Type", "").partition(";")[0] in COMPRESSED_TYPES
        and not response.streaming
        and not response.has_header("ETag")
        and not response.has_header("Content-Disposition")
    )
