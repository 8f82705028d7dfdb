"""The API's description: security, problem answers and query parameters, said once."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from pydantic import BaseModel

from huleedu.accounts.authentication import PREFIX
from huleedu.answers.problems import MEDIA_TYPE
from huleedu.api.shapes import ProblemDetails

DESCRIPTIONS = {
    400: "Something in the request is not right; `errors` has the paths.",
    401: "Not signed in, or wrong credentials.",
    403: "A read token on a method that changes something, or a browser's form that did not come from us.",
    404: "Nothing here that is yours.",
    408: "The request stopped coming.",
    409: "Not possible now; `code` says why.",
    412: "`If-Match` names an earlier version: somebody changed it meanwhile.",
    413: "Too big.",
    415: "The body is packed, or not of a type this address takes.",
    422: "Cut off on the way, or the idempotency key belongs to another request.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    410: "It is erased for good, as is the answer that a repeated request got before.",
    500: "A failure of ours; nothing of the request was done.",
    503: "Busy or waking up; `Retry-After` says how long to wait.",
    507: "No room left for files.",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    description="A repeat with the same key and body has no further effect and gets the same answer.",
)

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="The `version` last seen, in quotes (`ETag` has it): decide only if it still holds.",
)


class BearerScheme(OpenApiAuthenticationExtension):
    """How the description names our tokens."""

    target_class = "huleedu.accounts.authentication.TokenAuthentication"
    name = "bearerToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """HTTP bearer."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": f"A token of `/v1/auth/token` ({PREFIX}…).",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """How the description names the browser's session."""

    target_class = "huleedu.accounts.authentication.SessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A cookie; its name depends on the port."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def answers(good: dict[int, Any], *problems: int) -> dict[Any, Any]:
    """Responses for ``extend_schema``: the good ones, problems with these statuses, and 401 and 429.

    Where a key may be sent twice (422), what it was about may be erased by then (410).
    """
    more = {401, 410, 429} if 422 in problems else {401, 429}
    bad = {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemDetails, description=DESCRIPTIONS[status])
        for status in sorted({*problems, *more})
    }
    return {**good, **bad}


def query_parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    """The fields of a query model as parameters."""
    described = model.model_json_schema()
    return [
        OpenApiParameter(name, without_null(field), OpenApiParameter.QUERY)
        for name, field in described["properties"].items()
    ]


def without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A field's schema; a query has no null, a parameter is left out instead."""
    kinds = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    kept = {name: value for name, value in field.items() if name not in {"anyOf", "default", "title"}}
    if len(kinds) == 1:
        return {**kept, **kinds[0]}
    return {**kept, "anyOf": kinds} if kinds else kept
