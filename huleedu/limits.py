"""Counts request bytes in front of Django, for servers that do not count themselves."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, Scope
from django.conf import settings

IDLE_SECONDS = 30.0


class TooLarge(Exception):
    """More bytes came than a request may have."""


class BodyLimit:
    """Answers 413 over ``MAX_REQUEST_BYTES``, 408 when a body stops coming, 415 when it is packed."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        if headers.get(b"content-encoding", b"identity") != b"identity":
            await answer(send, 415, "UNSUPPORTED_MEDIA_TYPE")
            return
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > settings.MAX_REQUEST_BYTES:
            await answer(send, 413, "REQUEST_TOO_LARGE")
            return
        await self.counted(scope, receive, send)

    async def counted(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass the request on while its bytes stay within the limit."""
        received = 0
        complete = False

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

        try:
            await self.application(scope, receive_counted, send)
        except TooLarge:
            await answer(send, 413, "REQUEST_TOO_LARGE")
        except TimeoutError:
            await answer(send, 408, "REQUEST_TIMEOUT")


async def answer(send: ASGISendCallable, status: int, code: str) -> None:
    """A problem answer from outside Django."""
    title = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": title, "status": status, "code": code}
    body = json.dumps(problem).encode()
    length = str(len(body)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", length),
                (b"connection", b"close"),
            ],
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
