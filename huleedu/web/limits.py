"""Counts request bytes in front of Django, for servers that do not count themselves."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, ASGISendEvent, Scope
from django.conf import settings

from huleedu.failures.errors import is_out_of_room
from huleedu.http.headers import FIXED
from huleedu.http.middleware import HEADER, choose_correlation_id

IDLE_SECONDS = 30.0
RETRY_SECONDS = 10
log = structlog.get_logger(__name__)


class TooLarge(Exception):
    """More bytes came than a request may have."""


class BodyLimit:
    """Answers 413 over ``MAX_REQUEST_BYTES``, 408 when a body stops coming, 415 when it is packed.

    Django puts a larger body on disk before its own error handling begins: 507 or 503 when that fails.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        told = headers.get(HEADER.lower().encode(), b"")
        if headers.get(b"content-encoding", b"").strip().lower() not in {b"", b"identity"}:
            await answer(send, 415, "UNSUPPORTED_MEDIA_TYPE", told)
            return
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > settings.MAX_REQUEST_BYTES:
            await answer(send, 413, "REQUEST_TOO_LARGE", told)
            return
        await self.counted(scope, receive, send, told)

    async def counted(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable, told: bytes
    ) -> None:
        """Pass the request on while its bytes stay within the limit."""
        received = 0
        complete = answering = False

        async def receive_counted() -> ASGIReceiveEvent:
            nonlocal received, complete
            if complete:
                return await receive()
            event = await asyncio.wait_for(receive(), IDLE_SECONDS)
            if event["type"] == "http.request":
                received += len(event["body"])
                complete = not event["more_body"]
            if received > settings.MAX_REQUEST_BYTES:
                raise TooLarge
            return event

        async def send_noted(event: ASGISendEvent) -> None:
            nonlocal answering
            answering = True
            await send(event)

        try:
            await self.application(scope, receive_counted, send_noted)
        except TooLarge:
            await answer(send, 413, "REQUEST_TOO_LARGE", told)
        except TimeoutError:
            await answer(send, 408, "REQUEST_TIMEOUT", told)
        except OSError as error:
            if answering:
                raise
            await answer(send, *spool_failure(error), told)


def spool_failure(error: OSError) -> tuple[int, str]:
    """Status and code for a body that could not be put on disk; whoever runs this reads why in the log."""
    log.error("request.not_spooled", status="error", exc_info=error)
    return (507, "STORAGE_FULL") if is_out_of_room(error) else (503, "STORAGE_FAILED")


async def answer(send: ASGISendCallable, status: int, code: str, told: bytes) -> None:
    """A problem answer from outside Django."""
    headers, body = refusal(status, code, told)
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def refusal(
    status: int, code: str, told: bytes, details: dict[str, int] | None = None
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a problem answer, the connection's last; ``told``: the client's correlation id."""
    correlation_id = str(choose_correlation_id(told.decode("latin-1")))
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "correlation_id": correlation_id,
        **({"details": details} if details else {}),
    }
    body = json.dumps(problem).encode()
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        HEADER: correlation_id,
        **FIXED,
    }
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status in {429, 503, 507}:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return [(name.encode(), value.encode()) for name, value in headers.items()], body
