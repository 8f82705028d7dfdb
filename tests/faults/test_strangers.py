"""What strangers send is refused before it reaches the disk; one address does not take every connection."""

import socket
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from huleedu.embedded import PostgresServer
from tests.faults.wire import LIMIT, Form, Hasty, Wire, chunked, hasty_server, head
from tests.installation import Answer, Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
MOST = 64 * 1024
END = b"0\r\n\r\n"


def as_stranger(form: Form, length: int | None, **headers: str) -> bytes:
    """The head of an upload without a token that is good."""
    size = {"Transfer_Encoding": "chunked"} if length is None else {"Content_Length": str(length)}
    kind = f"multipart/form-data; boundary={form.boundary}"
    return head("POST", "/v1/files/batch", Content_Type=kind, Connection="close", **size, **headers)


CREDENTIALS: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer hule_wrong"},
    {"Authorization": "Bearer "},
    {"Authorization": "Basic dGVhY2hlcjpw"},
    {"Cookie": "sessionid_0=abc; other=1"},
    {"Cookie": "sessionid_8000=84d99ec157844ae5a3ab"},
    {"Authorization": f"Bearer {'x' * 4000}"},
]


@pytest.mark.parametrize(
    "headers", CREDENTIALS, ids=lambda headers: " ".join(headers.values())[:30] or "none"
)
def test_a_large_body_of_a_stranger_is_refused_before_any_of_it_is_read(
    hasty: Hasty, form: Form, headers: dict[str, str]
) -> None:
    answer = hasty.say(as_stranger(form, MOST + 1, **headers))
    assert (answer.status, answer.body["code"]) == (401, "NOT_SIGNED_IN")
    assert answer.body["details"] == {"limit": MOST}
    assert answer.headers["Www-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert hasty.spooled() == []


@pytest.mark.parametrize("headers", CREDENTIALS[:2], ids=["none", "wrong"])
def test_a_strangers_chunks_are_counted_from_the_first_byte(
    hasty: Hasty, form: Form, headers: dict[str, str]
) -> None:
    sent = 0
    with hasty.wire() as wire:
        wire.send(as_stranger(form, None, **headers))
        while sent < LIMIT and not wire.hears():
            wire.send(chunked(b"x" * 8192, 8192))
            sent += 8192
            time.sleep(0.01)
        answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (401, "NOT_SIGNED_IN")
    assert sent < 4 * MOST
    assert hasty.spooled() == []


@pytest.mark.parametrize("length", [1000, MOST - 10])
def test_a_strangers_small_body_is_answered_by_the_application(hasty: Hasty, form: Form, length: int) -> None:
    small = replace(form, files=(("a.txt", b"x"),))
    whole = replace(form, files=(("a.txt", b"x" * (length - len(small.body) + 1)),))
    answer = hasty.say(as_stranger(form, len(whole.body)) + whole.body)
    assert (answer.status, answer.body["code"]) == (401, "NOT_SIGNED_IN")
    assert "details" not in answer.body


def test_whoever_is_signed_in_sends_as_before(hasty: Hasty, form: Form) -> None:
    large = replace(form, files=(("large.txt", b"word " * (MOST // 4)),))
    for _ in range(2):  # looked up once, then known
        assert hasty.say(large.head() + large.body).status == 201
    assert hasty.say(large.head(None, Transfer_Encoding="chunked") + chunked(large.body) + END).status == 201


def test_a_session_is_as_good_as_a_token(hasty: Hasty, form: Form, installation: Installation) -> None:
    cookie = signed_in_cookie(hasty, installation)
    answer = hasty.say(as_stranger(form, MOST + 1, Cookie=cookie))
    assert answer.status == 408  # taken, and waited for
    forged = cookie[:-1] + ("a" if cookie[-1] != "a" else "b")
    assert hasty.say(as_stranger(form, MOST + 1, Cookie=forged)).status == 401


def signed_in_cookie(hasty: Hasty, installation: Installation) -> str:
    """The cookie of a browser in which the first teacher has signed in."""
    username, password = installation.accounts["teacher"]
    with hasty.wire() as wire:
        wire.send(head("GET", "/accounts/login/", Connection="close"))
        page = wire.read().decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    csrf = page.partition("Set-Cookie: ")[2].partition(";")[0]
    body = urllib.parse.urlencode(
        {"username": username, "password": password, "csrfmiddlewaretoken": token}
    ).encode()
    kind = "application/x-www-form-urlencoded"
    start = head(
        "POST",
        "/accounts/login/",
        Content_Type=kind,
        Content_Length=len(body),
        Cookie=csrf,
        Connection="close",
    )
    with hasty.wire() as wire:
        wire.send(start + body)
        answer = wire.read().decode()
    cookies = [part.partition(";")[0] for part in answer.split("Set-Cookie: ")[1:]]
    (found,) = [cookie for cookie in cookies if cookie.startswith("sessionid")]
    return found


def test_a_body_that_waits_for_its_judgement_is_not_lost(hasty: Hasty, form: Form) -> None:
    """Head and body in one piece, in many, and with the end of the connection behind them."""
    large = replace(form, files=(("one.txt", b"one " * (MOST // 3)),))
    with hasty.wire() as wire:
        wire.send(large.head() + large.body)
        wire.end()
        assert wire.answer().status == 201
    with hasty.wire() as wire:
        data = large.head(Authorization=f"Bearer {form.token}") + large.body
        for at in range(0, len(data), 10_000):
            wire.send(data[at : at + 10_000])
        assert wire.answer().status == 201


def test_expecting_to_go_on_is_told_after_the_judgement(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(as_stranger(form, MOST + 1, Expect="100-continue", Authorization="Bearer wrong"))
        assert wire.read().startswith(b"HTTP/1.1 401 ")
    large = replace(form, files=(("one.txt", b"one " * (MOST // 3)),))
    with hasty.wire() as wire:
        wire.send(large.head(Expect="100-continue"))
        wire.socket.settimeout(5)
        assert wire.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        wire.send(large.body)
        assert wire.answer().status == 201


def test_who_leaves_while_judged_leaves_nothing(hasty: Hasty, form: Form) -> None:
    for _ in range(30):
        with hasty.wire() as wire:
            wire.send(as_stranger(form, MOST + 1, Authorization=f"Bearer {uuid4().hex}"))
    wait_until(lambda: hasty.spooled() == [], 5, "nothing is kept")
    assert hasty.is_well()
    assert "Traceback" not in hasty.log()


def test_a_database_that_does_not_answer_keeps_large_bodies_out(
    hasty: Hasty, form: Form, installation: Installation
) -> None:
    with psycopg.connect(PostgresServer(installation.var).url) as session:
        session.execute("LOCK TABLE huleedu_apitoken IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answer = hasty.say(as_stranger(form, MOST + 1, Authorization=f"Bearer {uuid4().hex}"), 15)
        assert (answer.status, answer.body["code"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - began < 8
        session.rollback()
    assert hasty.spooled() == []


FEW = 20


@pytest.fixture(scope="module")
def narrow(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hasty]:
    """A server that takes few connections from one address."""
    folder: Path = tmp_path_factory.mktemp("narrow")
    variables = {"HULEEDU_MAX_CONNECTIONS_PER_ADDRESS": str(FEW)}
    with hasty_server(installation, folder, variables) as found:
        yield found


def connected(port: int, source: str) -> socket.socket:
    """A connection from another address of this machine."""
    return socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))


def said_to(narrow: Hasty, source: str) -> Answer:
    """What a client at ``source`` hears who asks whether the server lives."""
    with connected(narrow.port, source) as found:
        wire = Wire(found)
        wire.send(head("GET", "/healthz", Connection="close"))
        return wire.answer()


def test_one_address_has_so_many_connections_and_others_go_on(narrow: Hasty) -> None:
    taken = [connected(narrow.port, "127.0.0.2") for _ in range(FEW)]
    time.sleep(0.3)
    answer = said_to(narrow, "127.0.0.2")
    assert (answer.status, answer.body["code"]) == (429, "TOO_MANY_REQUESTS")
    assert answer.body["details"] == {"limit": FEW}
    assert int(answer.headers["Retry-After"]) > 0
    assert said_to(narrow, "127.0.0.3").status == 200
    many = [connected(narrow.port, "127.0.0.1") for _ in range(3 * FEW)]
    assert narrow.is_well(), "this machine itself, and a proxy on it, are not counted"
    for each in (*taken, *many):
        each.close()
    wait_until(lambda: said_to(narrow, "127.0.0.2").status == 200, 5, "there is room again")


def test_a_flood_of_one_address_is_cut_off(narrow: Hasty) -> None:
    flood = []
    for _ in range(6 * FEW):
        try:
            flood.append(connected(narrow.port, "127.0.0.4"))
        except OSError:
            continue
    time.sleep(0.5)
    assert narrow.connections() <= 2 * FEW + 5
    for each in flood:
        each.close()
    wait_until(lambda: narrow.connections() <= 2, 10, "the flood is gone")
    assert "Traceback" not in narrow.log()
