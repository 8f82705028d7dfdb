"""A web server that is told to end answers everyone it let in, and lets nobody else in."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from huleedu.embedded import PostgresServer
from tests.conftest import essay_bytes
from tests.faults.wire import Form, Hasty, Wire, hasty_server, head
from tests.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
END_SECONDS = 10.0


@pytest.fixture
def ending(installation: Installation, tmp_path: Path) -> Iterator[Hasty]:
    """A server that a test may end."""
    with hasty_server(installation, tmp_path) as found:
        yield found


def end(server: Hasty) -> float:
    """Wait for the end of a server that was told to, by itself and in order; the seconds it took."""
    began = time.monotonic()
    assert server.process.wait(END_SECONDS) == 0
    return time.monotonic() - began


def batch_of(installation: Installation, token: str) -> str:
    body = {"expected_essay_count": 2, "language": "en"}
    return str(installation.post("/v1/batches/register", body, token).body["batch_id"])


def test_an_upload_on_its_way_is_taken_and_answered(
    ending: Hasty, installation: Installation, token_of_mine: str
) -> None:
    form = Form(batch_of(installation, token_of_mine), token_of_mine, (("one.txt", essay_bytes(81)),))
    with ending.wire() as wire:
        wire.send(form.head(Connection="keep-alive") + form.body[:100])
        time.sleep(0.2)
        ending.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # it waits a second for the next byte
        with pytest.raises(ConnectionRefusedError), ending.wire():
            pass
        wire.send(form.body[100:])
        answer = wire.answer()
    assert answer.status == 201
    assert answer.headers["Connection"] == "close"
    end(ending)


def test_a_request_that_waits_for_the_database_is_answered(
    ending: Hasty, installation: Installation, token_of_mine: str
) -> None:
    batch_id = batch_of(installation, token_of_mine)
    with psycopg.connect(PostgresServer(installation.var).url) as blocker, ending.wire() as wire:
        blocker.execute("LOCK TABLE batches_batch IN ACCESS EXCLUSIVE MODE")
        wire.send(head("GET", f"/v1/batches/{batch_id}", Authorization=f"Bearer {token_of_mine}"))
        time.sleep(0.5)
        ending.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        blocker.rollback()
        assert wire.answer().status == 200
    assert end(ending) < 3


def test_whoever_was_let_in_is_answered_and_the_others_are_refused(ending: Hasty) -> None:
    """Sixteen clients knock without pause; a reset or an empty answer would be a request lost."""
    stop = threading.Event()
    seen: Counter[str] = Counter()

    def knock() -> None:
        while not stop.is_set():
            try:
                with ending.wire() as wire:
                    wire.socket.sendall(head("GET", "/healthz", Connection="close"))
                    seen[str(wire.answer().status)] += 1
            except ConnectionRefusedError:
                seen["refused"] += 1
                time.sleep(0.01)
            except OSError as error:
                seen[type(error).__name__] += 1

    with ThreadPoolExecutor(16) as pool:
        for _ in range(16):
            pool.submit(knock)
        time.sleep(1.5)
        ending.process.send_signal(signal.SIGTERM)
        try:
            end(ending)
        finally:
            stop.set()
    assert set(seen) == {"200", "refused"}
    assert seen["200"] > 50


def test_idle_connections_hold_nothing_up(ending: Hasty) -> None:
    with ending.wire() as answered, ending.wire() as fresh:
        answered.send(head("GET", "/healthz"))
        assert answered.first().status == 200
        ending.process.send_signal(signal.SIGTERM)
        assert answered.read(2) == b""
        fresh.send(head("GET", "/healthz"))
        assert fresh.answer().status == 200
    assert end(ending) < 3


def test_a_client_that_never_ends_is_cut_off_in_time(ending: Hasty) -> None:
    stop = threading.Event()

    def trickle(wire: Wire) -> None:
        wire.send(head("POST", "/v1/auth/token", Content_Length=1000, Content_Type="application/json"))
        while not stop.wait(0.2):
            wire.send(b" ")

    with ending.wire() as wire:
        client = threading.Thread(target=trickle, args=(wire,))
        client.start()
        time.sleep(0.3)
        ending.process.send_signal(signal.SIGTERM)
        assert end(ending) < END_SECONDS
        stop.set()
        client.join()


def test_a_socket_is_told_to_come_back(ending: Hasty, installation: Installation, token_of_mine: str) -> None:
    address = f"ws://127.0.0.1:{ending.port}/ws/batches/{batch_of(installation, token_of_mine)}/"
    headers = {"Authorization": f"Bearer {token_of_mine}", "Origin": f"http://127.0.0.1:{ending.port}"}
    with connect(address, additional_headers=headers) as socket:
        first: dict[str, Any] = json.loads(socket.recv(5))
        assert first["type"] == "hello"
        ending.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert end(ending) < 3
