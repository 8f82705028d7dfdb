"""What all API views share: who calls, strict bodies and queries, ids that are never explained."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404
from pydantic import BaseModel, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from huleedu.answers.problems import Problem
from huleedu.api.shapes import Answer
from huleedu.api.throttle import Throttle

Model = TypeVar("Model", bound=BaseModel)
MAX_ERRORS_TOLD = 50
MAX_PATH = 200
STRONG_TAG = re.compile(r'(?<![/\w])"(\d{1,18})"', re.ASCII)
PER_USER = Throttle("api-user", limit=300, seconds=10)
PER_TOKEN = Throttle("api-token", limit=300, seconds=10)


class AlwaysJson(DefaultContentNegotiation):
    """One representation for everyone; ``format`` in a query is a filter of ours."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The view's first renderer, whatever ``Accept`` says."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class CallerThrottle(BaseThrottle):
    """Counts a caller's requests in this process, per user and per token."""

    per_user = PER_USER
    per_token = PER_TOKEN

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; False when it is one too many."""
        allowed = self.per_user.allows(str(request.user.pk))
        token_id = getattr(request.auth, "pk", None)
        if token_id is not None:
            allowed = self.per_token.allows(str(token_id)) and allowed
        return allowed

    def wait(self) -> float:
        """Seconds until counting has surely started anew."""
        return self.per_user.seconds


def answer(body: Answer, status: int = 200) -> Response:
    """A response whose body has the shape that it is described with."""
    return Response(body.model_dump(), status=status)


def versioned(response: Response) -> Response:
    """An answer with its version as ``ETag``, which ``If-Match`` takes."""
    response.headers["ETag"] = f'"{response.data["version"]}"'
    return response


def versions_seen(request: Request) -> frozenset[int] | None:
    """The versions that ``If-Match`` names, None without a condition; what is no version matches none."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    return frozenset(int(tag) for tag in STRONG_TAG.findall(header))


class ApiView(APIView):
    """The base of all ``/v1/`` views: signed-in callers, JSON, problem answers."""

    content_negotiation_class = AlwaysJson
    throttle_classes = [CallerThrottle]
    metadata_class = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check caller and rate, then the body's length. Raises API exceptions."""
        super().initial(request, *args, **kwargs)
        check_length(request)


def check_length(request: Request) -> None:
    """Refuse a JSON body larger than any we take. Raises ``Problem``."""
    length = request.META.get("CONTENT_LENGTH") or ""
    multipart = (request.content_type or "").startswith("multipart/")
    if not multipart and length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise Problem(413, "REQUEST_TOO_LARGE", details={"limit": settings.DATA_UPLOAD_MAX_MEMORY_SIZE})


def user_of(request: Request) -> User:
    """The signed-in caller. Raises ``Http404`` where nobody is, which permissions rule out before."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def parse_id(text: str) -> UUID:
    """The id in an address; anything else is as missing as an unknown one. Raises ``Http404``."""
    try:
        value = UUID(text)
    except ValueError as error:
        raise Http404 from error
    if str(value) != text.lower():
        raise Http404
    return value


def read_body(model: type[Model], request: Request) -> Model:
    """The JSON body as ``model``, types strict. Raises ``Problem`` with the paths of what is wrong."""
    return validated(model, request.data, strict=True)


def read_query(model: type[Model], request: Request) -> Model:
    """The query parameters as ``model``, each given at most once. Raises ``Problem``."""
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise invalid([field_error(name, "repeated", "Give this once.") for name in repeated])
    return validated(model, request.query_params.dict(), strict=False)


def validated(model: type[Model], data: object, *, strict: bool) -> Model:
    """``data`` as ``model``. Raises ``Problem``."""
    check_text(data)
    try:
        return model.model_validate(data, strict=strict)
    except ValidationError as error:
        raise invalid(error_list(error)) from error


def error_list(error: ValidationError, *parents: str) -> list[dict[str, str]]:
    """The model's complaints as paths and messages, without the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        field_error(".".join([*parents, *map(str, item["loc"])]), item["type"], item["msg"])
        for item in found[:MAX_ERRORS_TOLD]
    ]


def field_error(path: str, code: str, message: str) -> dict[str, str]:
    """One complaint."""
    return {"path": path[:MAX_PATH], "code": code, "message": message}


def invalid(errors: list[dict[str, str]]) -> Problem:
    """400 with the list of what is wrong."""
    return Problem(400, "INVALID", errors=errors)


def check_text(data: object) -> None:
    """Refuse texts, names included, that cannot be stored: NUL and lone surrogates. Raises ``Problem``."""
    waiting: list[tuple[str, object]] = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and not is_storable(value):
            shown = path.encode("utf-8", "replace").decode()
            complaint = field_error(shown, "text", "The text holds characters that cannot be stored.")
            raise Problem(400, "INVALID_TEXT", errors=[complaint])
        if isinstance(value, dict):
            waiting.extend((f"{path}.{name}".lstrip("."), name) for name in value)
            waiting.extend((f"{path}.{name}".lstrip("."), member) for name, member in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{path}.{place}".lstrip("."), member) for place, member in enumerate(value))


def is_storable(text: str) -> bool:
    """True for text that UTF-8 and PostgreSQL can hold."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
