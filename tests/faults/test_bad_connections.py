"""Connections that never become a request, and requests no client would send."""

import socket
import time
from http import HTTPStatus

import pytest
from twisted.web.http import RESPONSES

import huleedu.server  # noqa: F401
from tests.faults.wire import Hasty, client_hello, head
from tests.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
GET = b"GET /healthz HTTP/1.1\r\n"


@pytest.mark.parametrize("said", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_headers_that_do_not_come(hasty: Hasty, said: bytes) -> None:
    began = time.monotonic()
    with hasty.wire() as wire:
        wire.send(said)
        data = wire.read()
    assert time.monotonic() - began < 4
    assert data == b"" if not said else data.startswith(b"HTTP/1.1 408 ")


def test_headers_that_trickle_in_get_no_more_time(hasty: Hasty) -> None:
    began = time.monotonic()
    with hasty.wire() as wire:
        wire.send(GET)
        while time.monotonic() - began < 2:
            wire.send(b"X-A: b\r\n")
            time.sleep(0.2)
        data = wire.read()
    assert data.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 4


def opened(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(GET)
    return connection


def test_two_hundred_slow_clients_hinder_nobody(hasty: Hasty) -> None:
    slow = [opened(hasty.port) for _ in range(200)]
    began = time.monotonic()
    assert hasty.is_well()
    assert time.monotonic() - began < 2
    for each in slow:
        each.settimeout(5)
        assert each.recv(100).startswith(b"HTTP/1.1 408 ")
        each.close()


def test_an_idle_connection_serves_again_and_then_closes(hasty: Hasty) -> None:
    with hasty.wire() as wire:
        for _ in range(3):
            wire.send(head("GET", "/healthz"))
            assert wire.first().status == 200
            time.sleep(0.6)
        assert wire.read(5) == b""


def test_pipelined_requests_are_answered_in_order(hasty: Hasty) -> None:
    with hasty.wire() as wire:
        wire.send(head("GET", "/v1/nothing") + head("GET", "/healthz", Connection="close"))
        data = wire.read()
    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"404", b"200"]


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz  HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nA B: c\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\0c\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"A: b\r\n" * 600 + b"\r\n",
        b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /?\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\xff" * 30_000,
    ],
)
def test_what_is_no_http_is_never_a_failure_of_ours(hasty: Hasty, data: bytes) -> None:
    answer = hasty.say(data)
    assert answer.status < 500, answer
    assert answer.status in {0, 400, 408}, answer
    assert hasty.is_well()


def test_a_browser_that_believes_this_is_https(hasty: Hasty) -> None:
    assert hasty.say(client_hello()).status in {0, 400, 408}
    assert hasty.is_well()


@pytest.mark.parametrize(
    "path",
    [
        "/%ff%fe",
        "/%00",
        "/%0d%0aX:1",
        "/..%2f..%2fetc/passwd",
        "/static/../manage.py",
        "/static/%2e%2e/%2e%2e/manage.py",
        "http://evil.example/",
        "*",
        "//evil.example/",
        "/v1/batches/%f0%9f%98%80",
        "/static/%00",
        "/static/" + "x" * 5000,
    ],
)
def test_strange_addresses_are_missing(hasty: Hasty, path: str) -> None:
    answer = hasty.say(head("GET", path, Connection="close"))
    assert answer.status in {302, 400, 401, 404}, answer
    assert "evil" not in answer.headers.get("Location", "")
    assert b"SECRET_KEY" not in str(answer.body).encode()


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PATCH", "X" * 100, "get"])
def test_methods_nobody_uses(hasty: Hasty, method: str) -> None:
    answer = hasty.say(head(method, "/v1/batches", Connection="close", Authorization="Bearer x"))
    assert answer.status in {400, 401, 405}, answer


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "127.0.0.1:x",
        "",
        "[::1",
        "localhost\tevil",
        "127.0.0.1, evil.example",
    ],
)
@pytest.mark.parametrize("path", ["/v1/batches", "/sign-in/", "/"])
def test_foreign_hosts_are_refused(hasty: Hasty, host: str, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = hasty.say(request)
    assert answer.status == 400, answer
    assert "evil" not in str(answer.body)


@pytest.mark.parametrize(
    "lines",
    [
        {"X_Forwarded_Host": "evil.example"},
        {"X_Forwarded_Proto": "https"},
        {"X_Original_Url": "/admin/"},
        {"X_Rewrite_Url": "/admin/"},
        {"X_Http_Method_Override": "DELETE"},
        {"Daphne_Root_Path": "//evil.example"},
        {"Daphne_Root_Path": "/%C3%A5\u00e5"},
    ],
)
def test_headers_that_pretend_to_be_a_proxy_change_nothing(hasty: Hasty, lines: dict[str, str]) -> None:
    plain = hasty.say(head("GET", "/", Connection="close"))
    answer = hasty.say(head("GET", "/", Connection="close", **lines))
    assert (answer.status, answer.headers["Location"]) == (plain.status, plain.headers["Location"])
    assert plain.status == 302
    assert "evil" not in str(answer.headers) + str(answer.body)


def test_forwarded_addresses_do_not_renew_the_number_of_tries(
    hasty: Hasty, installation: Installation
) -> None:
    statuses = []
    for number in range(12):
        body = b'{"username": "nobody-here", "password": "wrong wrong wrong"}'
        request = head(
            "POST",
            "/v1/auth/token",
            Content_Type="application/json",
            Content_Length=len(body),
            X_Forwarded_For=f"10.0.0.{number}",
            X_Real_Ip=f"10.0.0.{number}",
            Forwarded=f"for=10.0.0.{number}",
            Connection="close",
        )
        statuses.append(hasty.say(request + body).status)
    assert statuses[:10] == [401] * 10
    assert statuses[10:] == [429, 429]


@pytest.mark.parametrize("status", list(HTTPStatus))
def test_every_status_has_its_phrase(status: HTTPStatus) -> None:
    assert RESPONSES[status.value].decode().isprintable()
    assert not RESPONSES[status.value].startswith(b"Unknown")
