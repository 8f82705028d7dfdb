"""Clients that say all they have to say, close their sending side, and wait for the answer (``nc -N``)."""

import json
import re
import socket

import pytest

from tests.conftest import essay_bytes
from tests.faults.wire import Form, Hasty, chunked, head
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
GET = head("GET", "/healthz")
LEAVING = head("GET", "/healthz", Connection="close")


def said(hasty: Hasty, data: bytes) -> list[int]:
    """The statuses that come when ``data`` is sent and the sending side closed at once."""
    with hasty.wire() as wire:
        wire.send(data)
        wire.end()
        answers = wire.read()
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)]


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"", []),
        (b"\r\n", [400]),
        (GET, [200]),
        (LEAVING, [200]),
        (b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", [200]),
        (GET * 5, [200] * 5),
        (GET * 2 + LEAVING + GET, [200] * 3),
        (GET + b"GET /healthz HTTP/1.1\r\nHost: 127", [200, 400]),
        (b"GET /healthz HTTP/1.1\r\nHost: 127", [400]),
        (head("POST", "/v1/auth/token", Content_Length=10) + b"{}", [400]),
        (head("POST", "/v1/auth/token", Transfer_Encoding="chunked") + b"2\r\n{}\r\n", [400]),
    ],
    ids=range(11),
)
def test_whole_requests_are_answered_and_others_refused(
    hasty: Hasty, data: bytes, statuses: list[int]
) -> None:
    assert said(hasty, data) == statuses
    wait_until(lambda: hasty.spooled() == [], 5, "nothing is left")


def test_an_answer_that_takes_its_time(hasty: Hasty) -> None:
    body = json.dumps({"username": "nobody", "password": "wrong wrong wrong"}).encode()
    request = head("POST", "/v1/auth/token", Content_Type="application/json", Content_Length=len(body))
    assert said(hasty, request + body + GET) == [401, 200]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_upload_is_kept_and_told(hasty: Hasty, form: Form, wrapped: bool) -> None:
    if wrapped:
        data = form.head(Transfer_Encoding="chunked") + chunked(form.body) + b"0\r\n\r\n"
    else:
        data = form.head() + form.body
    assert said(hasty, data) == [201]
    assert hasty.names(form.batch_id, form.token) == ["a.txt", "b.txt"]


def test_a_large_one_too(hasty: Hasty, form: Form) -> None:
    large = Form(form.batch_id, form.token, (("large.txt", essay_bytes(3) * 6000),))
    assert len(large.body) > 1_000_000
    assert said(hasty, large.head() + large.body) == [201]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_an_upload_keeps_nothing(hasty: Hasty, form: Form, share: float) -> None:
    cut = form.body[: int(len(form.body) * share)]
    assert said(hasty, form.head() + cut) == [400]
    assert said(hasty, form.head(Transfer_Encoding="chunked") + chunked(cut)) == [400]
    assert hasty.names(form.batch_id, form.token) == []
    wait_until(lambda: hasty.spooled() == [], 5, "the temporary file is gone")


def test_a_connection_that_has_served_closes(hasty: Hasty) -> None:
    with hasty.wire() as wire:
        wire.send(GET)
        assert wire.first().status == 200
        wire.end()
        assert wire.read(5) == b""


@pytest.mark.parametrize("reset", [False, True])
def test_whoever_leaves_is_noticed(hasty: Hasty, form: Form, reset: bool) -> None:
    for data in (GET[:20], GET, form.head() + form.body[:300], form.head() + form.body):
        with hasty.wire() as wire:
            if reset:
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wire.send(data)
    wait_until(lambda: hasty.connections() == 0, 10, "nobody is connected")
    wait_until(lambda: hasty.spooled() == [], 5, "nothing is left")
    assert hasty.is_well()


def test_a_refused_client_that_ends_is_let_go_at_once(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(500_000_000))
        wire.end()
        assert wire.answer().status == 413


def test_a_socket_whose_client_ends_is_over(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(
            head(
                "GET",
                f"/ws/batches/{form.batch_id}/",
                Origin="http://127.0.0.1",
                Authorization=f"Bearer {form.token}",
                Upgrade="websocket",
                Connection="Upgrade",
                Sec_WebSocket_Version="13",
                Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            )
        )
        assert wire.first().status == 101
        wire.end()
        wire.read(5)
    wait_until(lambda: hasty.connections() == 0, 5, "nobody is connected")
