"""Which pages may open sockets: scheme, host and port count, and what a trusted proxy says of them."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from realtime.origins import Origin, OriginGuard, read_origin

HERE = "https://school.example"


def lets_in(origin: str | None, host: str = "school.example", scheme: str = "wss", **told: str) -> bool:
    """True when a socket asked for under ``host`` from a page of ``origin`` reaches the application."""
    headers = [(b"host", host.encode())]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in told.items()]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "websocket", "path": "/ws/teacher/", "scheme": scheme, "headers": headers}
    return reaches({**scope, "query_string": b"\xff", "subprotocols": []})


def reaches(scope: dict[str, Any]) -> bool:
    """True when the guard passes ``scope`` on; false when it closes instead."""
    sent: list[Any] = []
    reached = False

    async def application(*_: Any) -> None:
        nonlocal reached
        reached = True

    async def receive() -> Any:
        return {"type": "websocket.connect" if not sent else "websocket.disconnect", "code": 1006}

    async def send(event: Any) -> None:
        sent.append(event)

    asyncio.run(OriginGuard(application)(scope, receive, send))
    assert reached or [event["type"] for event in sent] == ["websocket.close"]
    return reached


@pytest.fixture(autouse=True)
def school(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["school.example", ".districts.example", "127.0.0.1", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.SECURE_PROXY_SSL_HEADER = None
    settings.USE_X_FORWARDED_HOST = False


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        (HERE, "school.example", "wss"),
        (HERE, "school.example:443", "wss"),
        ("https://school.example:443", "school.example", "wss"),
        ("HTTPS://School.Example", "SCHOOL.example", "wss"),
        ("https://school.example.", "school.example.", "wss"),
        ("http://school.example", "school.example", "ws"),
        ("http://school.example:80", "school.example", "ws"),
        ("http://school.example", "school.example:80", "ws"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "ws"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
        ("http://[::1]", "[::1]", "ws"),
    ],
)
def test_ones_own_pages(origin: str, host: str, scheme: str) -> None:
    assert lets_in(origin, host, scheme)


@pytest.mark.parametrize(
    "origin",
    [
        "http://school.example",
        "https://school.example:8443",
        "https://school.example:80",
        "http://school.example:443",
        "https://school.example.",
        "https://a.school.example",
        "https://school.example.evil.example",
        "https://evil.example",
        "https://127.0.0.1",
        "https://[::1]",
        "wss://school.example",
        "ftp://school.example",
        "file://",
        "null",
        "",
        "x",
        "school.example",
        "//school.example",
        "https://school.example/",
        "https://school.example?x",
        "https://school.example#x",
        "https://evil.example@school.example",
        "https://@school.example",
        "https://school.example:",
        "https://school.example:443x",
        "https://school.example:99999",
        "https://school.example:-443",
        "https://school.example https://evil.example",
        "https://school.example,https://school.example",
        "https://school\t.example",
        "https://[school.example]",
        "https://[::1",
        "https://",
        None,
    ],
)
def test_all_others(origin: str | None) -> None:
    assert not lets_in(origin)


def test_a_host_that_is_not_ours_vouches_for_nothing() -> None:
    assert not lets_in("https://evil.example", "evil.example")
    assert not lets_in(HERE, "school.example, evil.example")
    assert not lets_in(HERE, "")


def test_two_origins_are_none() -> None:
    headers = [(b"host", b"school.example"), (b"origin", HERE.encode()), (b"Origin", HERE.encode())]
    assert not reaches({"type": "websocket", "path": "/", "scheme": "wss", "headers": headers})


def test_only_a_proxy_that_is_ours_is_believed(settings: Settings) -> None:
    forwarded = {"x_forwarded_proto": "https", "x_forwarded_host": "school.example"}
    assert not lets_in(HERE, "127.0.0.1:8000", "ws", **forwarded)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    assert lets_in(HERE, "127.0.0.1:8000", "ws", **forwarded)
    assert lets_in(HERE, "school.example", "ws", x_forwarded_proto="https")
    assert lets_in("https://school.example:8443", "school.example:8443", "ws", x_forwarded_proto="https")
    assert not lets_in("https://school.example:8443", "school.example", "ws", x_forwarded_proto="https")
    assert not lets_in(HERE, "school.example", "ws", x_forwarded_proto="http")
    assert not lets_in(HERE, "school.example", "ws", x_forwarded_proto="http", forwarded="proto=https")
    assert not lets_in(HERE, "127.0.0.1", "ws", x_forwarded_proto="https", x_forwarded_host="evil.example")
    assert not lets_in("http://school.example", "school.example", "ws", x_forwarded_proto="https")


def test_trusted_origins(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [HERE, "http://*.districts.example:8080"]
    assert lets_in(HERE, "127.0.0.1:8000", "ws")
    assert lets_in("http://north.districts.example:8080", "127.0.0.1:8000", "ws")
    for origin in (
        "http://school.example",
        "https://school.example:8443",
        "https://a.school.example",
        "http://north.districts.example",
        "https://north.districts.example:8080",
        "http://districts.example.evil.example:8080",
    ):
        assert not lets_in(origin, "127.0.0.1:8000", "ws"), origin


def test_usual_ports_are_filled_in() -> None:
    assert read_origin("http://a") == Origin("http", "a", 80) == read_origin("http://a:80")
    assert read_origin("https://a") == Origin("https", "a", 443)
