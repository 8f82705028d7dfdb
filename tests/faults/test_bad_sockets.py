"""Sockets that say too much, too strangely, too often, too slowly, or longer than they may."""

import fcntl
import json
import socket
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from huleedu.embedded import PostgresServer
from tests.faults.wire import Hasty, Wire, head
from tests.installation import Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.fixture
def batch_id(installation: Installation, token_of_mine: str) -> str:
    body = {"expected_essay_count": 5, "language": "en"}
    return str(installation.post("/v1/batches/register", body, token_of_mine).body["batch_id"])


@pytest.fixture
def database(installation: Installation) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    with psycopg.connect(PostgresServer(installation.var).url, autocommit=True) as found:
        yield found


def opened(hasty: Hasty, path: str, token: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{hasty.port}{path}",
        origin=Origin(f"http://127.0.0.1:{hasty.port}"),
        additional_headers={"Authorization": f"Bearer {token}"},
        open_timeout=10,
        legacy=True,
    )


def followed(hasty: Hasty, batch_id: str, token: str, query: str = "") -> ClientConnection:
    found = opened(hasty, f"/ws/batches/{batch_id}/{query}", token)
    assert json.loads(found.recv(10))["type"] == "hello"
    return found


def close_code(found: ClientConnection, seconds: float = 10.0) -> int | None:
    """The code the server closes with, whatever it says before."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            found.recv(max(0.01, until - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    except TimeoutError:
        pass
    return None


@pytest.mark.parametrize("path", ["/ws/batches/{}/", "/ws/teacher/", "/ws/nowhere/"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://127.0.0.1.evil.example", "file://", "x", None]
)
def test_foreign_missing_and_null_origins_are_refused(
    hasty: Hasty, token_of_mine: str, batch_id: str, path: str, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus, match="400" if origin in {"", "x"} else "403"):
        connect(
            f"ws://127.0.0.1:{hasty.port}{path.format(batch_id)}",
            origin=None if origin is None else Origin(origin),
            additional_headers={"Authorization": f"Bearer {token_of_mine}"},
            legacy=True,
        )


@pytest.mark.parametrize("path", ["/ws/nowhere/", "/ws/batches/x/", "/", "/ws/batches/%00/", "/ws/%ff/"])
def test_an_unknown_address_is_no_failure_of_ours(hasty: Hasty, token_of_mine: str, path: str) -> None:
    with opened(hasty, path, token_of_mine) as found:
        assert close_code(found) == 4404


@pytest.mark.parametrize("secret", ["", "x", "hule_", "hule_" + "x" * 3000, "å"])
def test_tokens_of_nobody(hasty: Hasty, batch_id: str, secret: str) -> None:
    for path in (f"/ws/batches/{batch_id}/", "/ws/teacher/"):
        with opened(hasty, path, secret) as found:
            assert close_code(found) == 4401


SAID = [
    ("x" * 4097, {1009}),
    ("x" * 2_000_000, {1009, 1006}),
    (b"\x00\x01", {1003}),
    ("{", {4400}),
    ("", {4400}),
    ("7", {4400}),
    ("[" * 4000, {4400}),
    ('{"a":' * 800, {4400}),
    ("[]", {4400}),
    ('{"type": "subscribe", "batch_id": "00000000-0000-0000-0000-000000000000"}', {4403}),
    ('{"type": ["ping"]}', {4403}),
    ('{"type": {"a": 1}}', {4403}),
    ('{"group": "teacher.1"}', {4403}),
    ('{"type": "feed.event", "seq": 1, "text": "x"}', {4403}),
    ('{"type": "websocket.close"}', {4403}),
]


@pytest.mark.parametrize(("said", "codes"), SAID, ids=range(len(SAID)))
def test_wishes_and_nonsense_close_the_socket(
    hasty: Hasty, token_of_mine: str, batch_id: str, said: str | bytes, codes: set[int]
) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        with suppress(ConnectionClosed):
            found.send(said)
        assert close_code(found) in codes
    assert hasty.is_well()


def test_pings_are_harmless(hasty: Hasty, token_of_mine: str, batch_id: str) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        for said in ('{"type": "ping"}', '{"type": "pong"}', "{}", '{"cursor": 7}'):
            found.send(said)
        assert json.loads(found.recv(10))["type"] == "ping"
        assert found.ping().wait(5)


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"\xed\xa0\x80", b"a\xc0\xaf"])
def test_text_that_is_none(hasty: Hasty, token_of_mine: str, batch_id: str, payload: bytes) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        found.socket.sendall(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        assert close_code(found) == 1007


@pytest.mark.parametrize(
    "frame", [b"\xf1\x85\0\0\0\0hello", b"\x81\x05hello", b"\x83\x80\0\0\0\0", b"\x89\xfe\x01\x00"]
)
def test_frames_that_break_the_protocol(
    hasty: Hasty, token_of_mine: str, batch_id: str, frame: bytes
) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        found.socket.sendall(frame)
        assert close_code(found) == 1002


def test_a_message_in_many_pieces_counts_as_one(hasty: Hasty, token_of_mine: str, batch_id: str) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        with suppress(ConnectionClosed):
            found.send("x" * 500 for _ in range(9))
        assert close_code(found) == 1009


def test_a_flood_is_stopped_and_hinders_nobody(hasty: Hasty, token_of_mine: str, batch_id: str) -> None:
    with followed(hasty, batch_id, token_of_mine) as quiet, followed(hasty, batch_id, token_of_mine) as loud:
        with suppress(ConnectionClosed):
            for _ in range(1000):
                loud.send("{}")
        assert close_code(loud) == 4429
        assert json.loads(quiet.recv(3))["type"] == "ping"


def test_twenty_messages_are_not_yet_a_flood(hasty: Hasty, token_of_mine: str, batch_id: str) -> None:
    with followed(hasty, batch_id, token_of_mine) as found:
        for _ in range(20):
            found.send("{}")
        assert close_code(found, 1.5) is None
        found.send("{}")
        assert close_code(found) == 4429


def test_the_ninth_socket_of_a_user_waits_until_one_ends(
    hasty: Hasty, token_of_mine: str, batch_id: str
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(followed(hasty, batch_id, token_of_mine))
        for _ in range(7):
            stack.enter_context(followed(hasty, batch_id, token_of_mine))
        with opened(hasty, "/ws/teacher/", token_of_mine) as ninth:
            assert close_code(ninth) == 4429
        other = hasty.installation.token("support")
        with opened(hasty, "/ws/teacher/", other) as another:
            assert json.loads(another.recv(10))["type"] == "hello"
        first.close()
        time.sleep(0.5)
        stack.enter_context(followed(hasty, batch_id, token_of_mine))
    time.sleep(0.5)
    with followed(hasty, batch_id, token_of_mine) as again:
        assert again.ping().wait(5)


def test_a_revoked_token_ends_its_socket(
    hasty: Hasty, installation: Installation, database: "psycopg.Connection[tuple[Any, ...]]", batch_id: str
) -> None:
    secret = installation.token()
    with followed(hasty, batch_id, secret) as found:
        assert close_code(found, 2.5) is None
        database.execute(
            "UPDATE huleedu_apitoken SET revoked_at = now() WHERE id = (SELECT max(id) FROM huleedu_apitoken)"
        )
        assert close_code(found, 5) == 4401


def test_a_closed_account_loses_its_socket(
    hasty: Hasty, installation: Installation, database: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    secret = installation.token("support")
    username = installation.accounts["support"][0]
    with opened(hasty, "/ws/teacher/", secret) as found:
        assert close_code(found, 2.5) is None
        try:
            database.execute("UPDATE auth_user SET is_active = false WHERE username = %s", [username])
            assert close_code(found, 5) == 4401
        finally:
            database.execute("UPDATE auth_user SET is_active = true WHERE username = %s", [username])


def test_signing_out_ends_the_socket(
    hasty: Hasty, batch_id: str, database: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    cookie = signed_in(hasty)
    with connect(
        f"ws://127.0.0.1:{hasty.port}/ws/batches/{batch_id}/",
        origin=Origin(f"http://127.0.0.1:{hasty.port}"),
        additional_headers={"Cookie": cookie},
        legacy=True,
    ) as found:
        assert close_code(found, 2.5) is None
        database.execute("DELETE FROM huleedu_session")  # what signing out does with the session's row
        assert close_code(found, 5) == 4401


def test_a_batch_that_was_handed_over_loses_its_socket(
    hasty: Hasty, installation: Installation, database: "psycopg.Connection[tuple[Any, ...]]", batch_id: str
) -> None:
    give = (
        "UPDATE huleedu_feed SET owner_id = auth_user.id FROM auth_user WHERE username = %s AND batch_id = %s"
    )
    with followed(hasty, batch_id, installation.token()) as found:
        assert close_code(found, 2.5) is None
        try:
            database.execute(give, [installation.accounts["support"][0], batch_id])
            assert close_code(found, 5) == 4404
        finally:
            database.execute(give, [installation.accounts["teacher"][0], batch_id])


def signed_in(hasty: Hasty) -> str:
    """The cookie of a browser in which the teacher has signed in."""
    username, password = hasty.installation.accounts["teacher"]
    page = hasty.say(head("GET", "/accounts/login/", Connection="close"))
    csrf = page.headers["Set-Cookie"].split(";")[0]
    form = f"username={username}&password={password}&csrfmiddlewaretoken={csrf.split('=')[1]}".encode()
    request = head(
        "POST",
        "/accounts/login/",
        Cookie=csrf,
        Content_Type="application/x-www-form-urlencoded",
        Content_Length=len(form),
        Origin="http://127.0.0.1",
        Connection="close",
    )
    with hasty.wire() as wire:
        wire.send(request + form)
        data = wire.read().decode()
    assert data.startswith("HTTP/1.1 302 ")
    cookies = [line.split(": ", 1)[1].split(";")[0] for line in data.split("\r\n") if "session" in line]
    assert cookies, data
    return cookies[0]


@pytest.mark.parametrize(
    "query",
    [
        "?after=-1",
        "?after=999999999",
        "?after=" + "9" * 400,
        "?after=x",
        "?after=1e400",
        "?after=NaN",
        "?after=%00",
        "?after=%ff",
        "?after=0&epoch=00000000-0000-4000-8000-000000000000",
        "?after=0&epoch=x",
    ],
)
def test_positions_that_are_not_ours_ask_for_a_resync(
    hasty: Hasty, token_of_mine: str, batch_id: str, query: str
) -> None:
    with followed(hasty, batch_id, token_of_mine, query) as found:
        assert json.loads(found.recv(10))["type"] == "resync"
        assert json.loads(found.recv(10))["type"] == "ping"


def test_large_messages_of_ours_arrive(
    hasty: Hasty, token_of_mine: str, batch_id: str, database: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    fill_feed(database, batch_id, 3, 200_000)
    with followed(hasty, batch_id, token_of_mine, "?after=0") as found:
        for number in (1, 2, 3):
            message = json.loads(found.recv(10))
            assert (message["seq"], len(message["data"])) == (number, 200_000)


def half_open(hasty: Hasty, batch_id: str, token: str, buffer: int = 0) -> socket.socket:
    """A socket whose client has greeted and then never reads or answers again."""
    raw = socket.socket()
    if buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    raw.connect(("127.0.0.1", hasty.port))
    raw.sendall(
        head(
            "GET",
            f"/ws/batches/{batch_id}/?after=0",
            Origin="http://127.0.0.1",
            Authorization=f"Bearer {token}",
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        )
    )
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def test_a_client_that_never_answers_pings_is_let_go(hasty: Hasty, token_of_mine: str, batch_id: str) -> None:
    wait_until(lambda: hasty.connections() == 0, 10, "nobody is connected")
    with half_open(hasty, batch_id, token_of_mine):
        assert hasty.connections() == 1
        wait_until(lambda: hasty.connections() == 0, 12, "the silent client is let go")
    assert hasty.is_well()


def test_a_reader_that_never_reads_costs_little_and_is_closed(
    hasty: Hasty, token_of_mine: str, batch_id: str, database: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    fill_feed(database, batch_id, 1900, 20_000)
    before = hasty.memory()
    wait_until(lambda: hasty.connections() == 0, 10, "nobody is connected")
    slow = [half_open(hasty, batch_id, token_of_mine, 4096) for _ in range(4)]
    began = time.monotonic()
    wait_until(lambda: hasty.connections() == 0, 20, "the slow readers are let go")
    assert time.monotonic() - began < 15
    grown = hasty.memory() - before
    for each in slow:
        each.close()
    assert grown < 4 * 60 * 1024 * 1024
    assert hasty.is_well()


def test_a_reader_who_wakes_up_late_learns_that_it_was_too_slow(
    hasty: Hasty, token_of_mine: str, batch_id: str, database: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    fill_feed(database, batch_id, 1000, 20_000)
    with half_open(hasty, batch_id, token_of_mine, 65536) as slow:
        stalled(slow, 1.4)  # longer than the server waits for a reader, shorter than for its goodbye
        data = Wire(slow).read(5)
    assert len(data) < 10_000_000  # what the two systems' own buffers hold, not the twenty megabytes
    assert data.endswith(b"\x88\x02" + (4408).to_bytes(2))


def stalled(client: socket.socket, seconds: float) -> None:
    """Return when nothing has moved on the way to ``client`` for ``seconds``, though something waits there.

    Meanwhile the client says now and then that it lives, for else it would be let go for its silence.
    """
    masked_ping = b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}'
    until = time.monotonic() + 20
    last, since = b"", time.monotonic()
    while not last or time.monotonic() - since < seconds:
        assert time.monotonic() < until, "the server has sent and waits"
        client.sendall(masked_ping)
        time.sleep(0.3)
        on_its_way = queues(client)
        if on_its_way != last:
            last, since = on_its_way, time.monotonic()


def queues(client: socket.socket) -> bytes:
    """What the client has not read, with what the server holds back for it; empty for nothing held back."""
    arrived = fcntl.ioctl(client, termios.FIONREAD, bytes(4))
    here = f":{client.getsockname()[1]:04X}"
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    held = next(line[4] for line in lines if line[2].endswith(here)).split(":")[0]
    return arrived + held.encode() if int(held, 16) else b""


def fill_feed(database: "psycopg.Connection[tuple[Any, ...]]", batch_id: str, count: int, size: int) -> None:
    """As if ``count`` live messages of ``size`` characters had been relayed for the batch."""
    database.execute(
        """
        INSERT INTO huleedu_loggedevent
            (event_id, event_type, topic, batch_id, correlation_id, seq, envelope, occurred_at, relayed_at)
        SELECT md5(%(batch)s::text || n) || md5(n::text), 'BatchFileAdded', 'x', %(batch)s::uuid,
               %(batch)s::uuid, n,
               jsonb_build_object('occurred_at', now(), 'correlation_id', %(batch)s::text,
                                  'data', repeat('x', %(size)s)),
               now(), now()
        FROM generate_series((SELECT seq + 1 FROM huleedu_feed WHERE batch_id = %(batch)s::uuid), %(count)s) n
        """,
        {"batch": batch_id, "count": count, "size": size},
    )
    database.execute("UPDATE huleedu_feed SET seq = %s WHERE batch_id = %s", [count, batch_id])
