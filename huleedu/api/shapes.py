"""Bodies of the API that belong to no app."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


def without_nul(described: dict[str, Any]) -> None:
    """Say of every free text in ``described`` what PostgreSQL cannot hold; ``check_text`` refuses it."""
    for field in described.get("properties", {}).values():
        for kind in (field, *field.get("anyOf", [])):
            if kind.get("type") == "string" and not kind.keys() & {"enum", "const", "pattern", "format"}:
                kind["pattern"] = r"^[^\x00]*$"


class RequestBody(BaseModel):
    """A JSON body as clients send it: unknown fields and wrong types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=without_nul)


class Query(BaseModel):
    """Query parameters: unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=without_nul)


class Answer(BaseModel):
    """A JSON answer; the tests hold every answer against its shape."""

    model_config = ConfigDict(extra="forbid")


class FieldError(Answer):
    """One complaint about a request; ``path`` is dotted."""

    path: str
    code: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457; ``code`` is stable, ``title`` is for people."""

    type: str
    title: str
    status: int
    code: str
    correlation_id: UUID
    errors: list[FieldError] | None = None
    details: dict[str, Any] | None = None


class TokenRequest(RequestBody):
    """Credentials of an account, and what the token shall be called, may do, and how long."""

    username: str = Field(min_length=1, max_length=150)
    password: str = Field(min_length=1, max_length=1000)
    name: str = Field(default="API", min_length=1, max_length=80, description="Shown on the account page.")
    scope: Literal["read", "write"] = Field(default="write", description="`read` may change nothing.")
    expires_in_days: int = Field(default=90, ge=1, le=90)
    code: str = Field(
        default="",
        max_length=20,
        description="Of the second factor, if there is one: an app’s or a recovery code.",
    )


class TokenAnswer(Answer):
    """The secret is told once and never again."""

    token: str
    expires_at: datetime
    name: str
    scope: Literal["read", "write"]
