"""Django's ASGI handler, for bodies that came in chunks, too."""

import os
from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest


class MeasuredRequest(ASGIRequest):
    """A request that knows how long its body is, though its client did not say: all of it is here by now.

    Without a length Django and its framework for APIs take a body for an empty one.
    """

    def __init__(self, scope: dict[str, Any], body_file: IO[bytes]) -> None:
        super().__init__(scope, body_file)
        size = body_file.seek(0, os.SEEK_END)
        body_file.seek(0)
        if size and not self.META.get("CONTENT_LENGTH"):
            self.META["CONTENT_LENGTH"] = str(size)


class Handler(ASGIHandler):
    """Django's handler with requests of ours."""

    request_class = MeasuredRequest
