"""API views that belong to no app: tokens, the description, and addresses that do not exist."""

from datetime import timedelta
from functools import cache
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from huleedu.accounts.authentication import make_token
from huleedu.accounts.factors import has_factor, must_have_factor, take_code
from huleedu.answers.problems import Problem
from huleedu.api.api_view import ApiView, read_body
from huleedu.api.schema import answers
from huleedu.api.shapes import TokenAnswer, TokenRequest
from huleedu.failures.errors import Refused


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
        responses=answers({201: TokenAnswer}, 400, 403, 503),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Make a token, for 90 days unless you say fewer. Unknown users and wrong passwords answer alike.

        An account with a second factor wants a `code`, too: 401 `CODE_NEEDED`, then 401 `WRONG_CREDENTIALS`.
        """
        asked = read_body(TokenRequest, request)
        user = authenticate(request._request, username=asked.username, password=asked.password)
        if not isinstance(user, User):
            raise Problem(401, "WRONG_CREDENTIALS")
        check_factor(request._request, user, asked.code)
        try:
            made = make_token(user, asked.name, asked.scope, timedelta(days=asked.expires_in_days))
        except Refused as refusal:
            raise Problem(401, "WRONG_CREDENTIALS") from refusal
        answer = {"token": made.secret, "expires_at": made.row.expires_at, "name": made.row.name}
        return Response({**answer, "scope": made.row.scope}, status=201)


def check_factor(request: HttpRequest, user: User, code: str) -> None:
    """Raise ``Problem`` when a password is not enough for ``user``, and ``code`` does not make up for it."""
    if has_factor(user):
        if not code:
            raise Problem(401, "CODE_NEEDED")
        if take_code(request, user, code) is None:
            raise Problem(401, "WRONG_CREDENTIALS")
    elif must_have_factor(user):
        raise Problem(403, "FACTOR_NEEDED")


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
