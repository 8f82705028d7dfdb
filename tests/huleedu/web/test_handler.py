"""Requests whose length nobody told, whatever server they came through."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings

from huleedu.web.handler import MeasuredRequest
from huleedu.web.limits import BodyLimit


def scope(**headers: str) -> Any:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    told = [(b"host", b"127.0.0.1"), *pairs]
    kind = {"type": "http", "method": "POST", "path": "/v1/auth/token", "query_string": b""}
    return {**kind, "headers": told, "asgi": {"version": "3.0"}, "http_version": "1.1"}


@pytest.mark.parametrize(
    ("headers", "body", "length"),
    [
        ({}, b"12345", "5"),  # as HTTP/2 may do
        ({"transfer_encoding": "chunked"}, b"12345", "5"),
        ({"content_length": "5"}, b"12345", "5"),
        ({"content_length": "7"}, b"12345", "7"),
        ({}, b"", None),
    ],
)
def test_a_length_that_was_not_told_is_measured(
    headers: dict[str, str], body: bytes, length: str | None
) -> None:
    request = MeasuredRequest(scope(**headers), BytesIO(body))
    assert request.META.get("CONTENT_LENGTH") == length
    assert request.body == body


def test_a_body_without_end_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_REQUEST_BYTES", 1000)
    sent: list[Any] = []
    taken = 0

    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 300, "more_body": True}

    async def send(event: Any) -> None:
        sent.append(event)

    async def swallow(_scope: Any, receive: Any, _send: Any) -> None:
        nonlocal taken
        while True:
            taken += len((await receive())["body"])

    asyncio.run(BodyLimit(swallow)(scope(transfer_encoding="chunked"), receive, send))
    assert (sent[0]["status"], taken) == (413, 900)
