"""API views that belong to no app: tokens, the description, and addresses that do not exist."""

from functools import cache
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import Http404
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from huleedu.api_view import ApiView, read_body
from huleedu.authentication import make_token
from huleedu.problems import Problem
from huleedu.schema import answers
from huleedu.shapes import TokenAnswer, TokenRequest
from huleedu.throttle import Throttle

TOKEN_NAME = "API"  # noqa: S105 - what the account page calls tokens made here
PER_NAME = Throttle("token", limit=10, seconds=60)
PER_ADDRESS = Throttle("token-address", limit=100, seconds=60)


class OpenView(ApiView):
    """For callers who are not signed in; credentials they send along are not looked at."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []


class TokenView(OpenView):
    """Tokens for user name and password."""

    @extend_schema(
        operation_id="create_token",
        request=TokenRequest,
        responses=answers({201: TokenAnswer}, 400),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Make a token that lives 90 days. Unknown users and wrong passwords answer alike."""
        credentials = read_body(TokenRequest, request)
        check_rate(request, credentials.username)
        user = authenticate(request._request, username=credentials.username, password=credentials.password)
        if not isinstance(user, User):
            raise Problem(401, "WRONG_CREDENTIALS")
        made = make_token(user, TOKEN_NAME)
        return Response({"token": made.secret, "expires_at": made.row.expires_at}, status=201)


def check_rate(request: Request, username: str) -> None:
    """Count a try by user name and address. Raises ``Problem`` for one too many."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    if not PER_ADDRESS.allows(address) or not PER_NAME.allows(username.casefold(), address):
        raise Problem(429, "TOO_MANY_REQUESTS", PER_NAME.seconds)


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document, made once."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document


class SchemaView(OpenView):
    """The description of this API."""

    renderer_classes = [OpenApiJsonRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """OpenAPI 3 as JSON."""
        return Response(description())


class NotFoundView(OpenView):
    """Every other address under ``/v1/``, by any method."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise ``Http404``."""
        raise Http404
