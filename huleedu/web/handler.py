"""Django's ASGI handler, for bodies that came in chunks, too, and for forms as any client writes them."""

import os
from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest

from huleedu.web.form_type import form_type


def as_known(name: bytes, value: bytes) -> bytes:
    """A header's value, a form's media type as Django knows it."""
    if name.lower() != b"content-type":
        return value
    return form_type(value.decode("latin-1")).encode("latin-1")


class MeasuredRequest(ASGIRequest):
    """A request that knows how long its body is, though its client did not say: all of it is here by now.

    Without a length Django and its framework for APIs take a body for an empty one.
    """

    def __init__(self, scope: dict[str, Any], body_file: IO[bytes]) -> None:
        headers = [(name, as_known(name, value)) for name, value in scope["headers"]]
        super().__init__({**scope, "headers": headers}, body_file)
        size = body_file.seek(0, os.SEEK_END)
        body_file.seek(0)
        if size and not self.META.get("CONTENT_LENGTH"):
            self.META["CONTENT_LENGTH"] = str(size)


class Handler(ASGIHandler):
    """Django's handler with requests of ours."""

    request_class = MeasuredRequest
