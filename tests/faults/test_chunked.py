"""Bodies in chunks: taken like others, counted as they come, and never a way around a limit."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.proxies import haproxy, nginx
from tests.faults.wire import LIMIT, Form, Hasty, chunked, head
from tests.installation import file_part, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
END = b"0\r\n\r\n"


def in_chunks(form: Form, body: bytes | None = None, size: int = 60_000, **headers: str) -> bytes:
    """A whole upload in chunks of ``size`` bytes."""
    data = form.body if body is None else body
    return form.head(None, Transfer_Encoding="chunked", **headers) + chunked(data, size) + END


@pytest.mark.parametrize("size", [1, 7, 100, 60_000])
def test_a_whole_upload_arrives(hasty: Hasty, form: Form, size: int) -> None:
    answer = hasty.say(in_chunks(form, size=size))
    assert answer.status == 201, answer
    assert hasty.names(form.batch_id, form.token) == ["a.txt", "b.txt"]


def test_extensions_and_trailers_mean_nothing(hasty: Hasty, form: Form) -> None:
    pieces = [form.body[:50], form.body[50:]]
    wrapped = b"".join(b'%X;name="v;\xe5"\r\n%s\r\n' % (len(each), each) for each in pieces)
    trailers = b"0;last\r\nContent-Length: 5\r\nAuthorization: Bearer x\r\nX-Sum: 1\r\n\r\n"
    answer = hasty.say(form.head(Transfer_Encoding="Chunked") + wrapped + trailers)
    assert answer.status == 201, answer


@pytest.mark.parametrize(
    ("wrapping", "last"),
    [
        (b'%X;name="va\\"lue";n\r\n%s\r\n', b"0\r\n\r\n"),
        (b'%x;a="\\\\"; b = "c;d"\r\n%s\r\n', b'000;z="\\""\r\n\r\n'),
        (b"%X\r\n%s\r\n", b"0\r\nX-SUM: 1\r\n\tfolded\r\n\r\n"),
        (b"00000000%x\r\n%s\r\n", b"0000000000000000\r\n\r\n"),
    ],
    ids=["quoted pair", "backslashes", "capitals", "zeros"],
)
def test_chunks_in_every_clothing(hasty: Hasty, form: Form, wrapping: bytes, last: bytes) -> None:
    pieces = [form.body[at : at + 171] for at in range(0, len(form.body), 171)]
    start = form.head(Transfer_Encoding="CHUNKED", IDEMPOTENCY_KEY=uuid4())
    answer = hasty.say(start + b"".join(wrapping % (len(each), each) for each in pieces) + last)
    assert answer.status == 201, answer
    assert hasty.names(form.batch_id, form.token) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    "data",
    [b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\n", b"0\r\nX: y\n\n", b"5;a\nb"],
    ids=["all", "after a chunk", "the last", "a trailer", "an extension"],
)
def test_lines_that_end_with_lf_alone_are_refused_at_once(hasty: Hasty, form: Form, data: bytes) -> None:
    """They would be waited for as long as a body may take, and then be called too slow."""
    answer = hasty.say(form.head(Transfer_Encoding="chunked") + data)
    assert (answer.status, answer.body["code"]) == (400, "INVALID")


def test_what_follows_is_the_next_request(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(in_chunks(form, Connection="keep-alive") + head("GET", "/healthz", Connection="close"))
        statuses = [part[:3] for part in wire.read().split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"201", b"200"]


def test_keys_and_manifests_work_the_same(hasty: Hasty, form: Form) -> None:
    key = str(uuid4())
    assert hasty.say(in_chunks(form, Idempotency_Key=key)).status == 201
    again = hasty.say(form.head(Idempotency_Key=key) + form.body)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    cut = form.body[: form.body.index(essay_bytes(2)) + 10]
    other = replace(form, batch_id=form.batch_id)
    answer = hasty.say(in_chunks(other, cut))
    assert (answer.status, answer.body["code"]) == (422, "UPLOAD_INCOMPLETE")
    assert [entry["filename"] for entry in answer.body["missing"]] == ["b.txt"]
    assert len(hasty.names(form.batch_id, form.token)) == 3  # the second is a repeat under no key


def test_json_arrives_up_to_its_limit(hasty: Hasty, token_of_mine: str) -> None:
    start = head(
        "POST",
        "/v1/batches/register",
        Authorization=f"Bearer {token_of_mine}",
        Content_Type="application/json",
        Transfer_Encoding="chunked",
        Connection="close",
    )
    good = json.dumps({"expected_essay_count": 3, "language": "en"}).encode()
    assert hasty.say(start + chunked(good, 3) + END).status == 201
    assert hasty.say(start + chunked(b"{", 3) + END).body["code"] == "MALFORMED_JSON"
    answer = hasty.say(start + chunked(b" " * (1024 * 1024 + 1)) + END)
    assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")


def test_other_requests_with_bodies(hasty: Hasty, form: Form) -> None:
    (first, _) = hasty.say(in_chunks(form)).body["files"]
    boundary = form.boundary
    body = file_part(boundary, "file", "c.txt", essay_bytes(3)) + f"--{boundary}--\r\n".encode()
    start = head(
        "PUT",
        f"/v1/files/{first['file_upload_id']}/content",
        Authorization=f"Bearer {form.token}",
        Content_Type=f"multipart/form-data; boundary={boundary}",
        Transfer_Encoding="chunked",
        Connection="close",
    )
    assert hasty.say(start + chunked(body) + END).status == 200
    removal = head(
        "DELETE",
        f"/v1/files/{first['file_upload_id']}",
        Authorization=f"Bearer {form.token}",
        Transfer_Encoding="chunked",
        Connection="close",
    )
    assert hasty.say(removal + END).status == 200
    assert hasty.names(form.batch_id, form.token) == ["b.txt"]


def sized(form: Form, size: int) -> bytes:
    """A form of exactly ``size`` bytes, one file of it full of letters."""
    wrapping = len(replace(form, files=(("large.txt", b"x" * (size - 1000)),)).body) - (size - 1000)
    body = replace(form, files=(("large.txt", b"x" * (size - wrapping)),)).body
    assert len(body) == size
    return body


@pytest.mark.parametrize("size", [LIMIT, LIMIT - 1])
def test_a_body_at_the_limit_is_taken(hasty: Hasty, form: Form, size: int) -> None:
    answer = hasty.say(in_chunks(form, sized(form, size), 1000))
    assert answer.status == 201, answer


def test_one_byte_more_is_not(hasty: Hasty, form: Form) -> None:
    for size in (1000, 60_000):
        answer = hasty.say(in_chunks(form, sized(form, LIMIT + 1), size))
        assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")
    assert hasty.names(form.batch_id, form.token) == []
    wait_until(lambda: hasty.spooled() == [], 5, "the temporary file is gone")


def test_wrapping_without_content_is_bounded(hasty: Hasty, form: Form) -> None:
    sent = 0
    with hasty.wire() as wire:
        wire.send(form.head(Transfer_Encoding="chunked"))
        piece = (b"1;" + b"x" * 900 + b"\r\nx\r\n") * 100
        while sent < 20 * LIMIT and not wire.hears():
            wire.send(piece)
            sent += len(piece)
        answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")
    assert sent < 12 * LIMIT


@pytest.mark.parametrize("piece", [b"1\r\nx\r\n", b"1\r\n", b"\x20"], ids=["chunks", "halves", "spaces"])
def test_chunks_that_drip_end_with_the_time_of_a_body(hasty: Hasty, form: Form, piece: bytes) -> None:
    began = time.monotonic()
    with hasty.wire() as wire:
        wire.send(form.head(Transfer_Encoding="chunked"))
        while time.monotonic() - began < 6 and not wire.hears():
            time.sleep(0.3)
            wire.send(piece)
        answer = wire.answer()
    assert answer.status in {400, 408}, answer
    assert time.monotonic() - began < 7


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_chunks_that_stop_coming_keep_nothing(hasty: Hasty, form: Form, length: int) -> None:
    answer = hasty.say(form.head(Transfer_Encoding="chunked") + chunked(form.body[:length]))
    assert (answer.status, answer.body["code"]) == (408, "REQUEST_TIMEOUT")
    assert hasty.names(form.batch_id, form.token) == []


@pytest.mark.parametrize(
    "end",
    [
        b"0\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"0\n\n",
        b"00x\r\n",
    ],
    ids=["a long trailer", "many trailers", "LF", "no number"],
)
def test_endless_and_broken_ends(hasty: Hasty, form: Form, end: bytes) -> None:
    answer = hasty.say(form.head(Transfer_Encoding="chunked") + chunked(form.body) + end)
    assert answer.status in {400, 408}, answer
    assert hasty.names(form.batch_id, form.token) == []


@pytest.fixture(scope="module", params=["nginx", "nginx that does not wait", "haproxy"])
def front(
    request: pytest.FixtureRequest, hasty: Hasty, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hasty]:
    """The web server as it is reached through a proxy."""
    folder: Path = tmp_path_factory.mktemp("front")
    waits = "" if request.param == "nginx" else "proxy_request_buffering off;"
    found = haproxy(folder, hasty.port) if request.param == "haproxy" else nginx(folder, hasty.port, waits)
    with found as port:
        yield replace(hasty, port=port)


def test_uploads_through_proxies(front: Hasty, form: Form) -> None:
    assert front.say(in_chunks(form, size=100)).status == 201
    assert front.say(form.head() + form.body).status == 201
    assert front.names(form.batch_id, form.token) == ["a.txt"] * 2 + ["b.txt"] * 2
    assert front.say(in_chunks(form, sized(form, LIMIT - 1), 1000)).status == 201
    large = sized(form, LIMIT + 1)
    assert front.say(in_chunks(form, large, 1000)).status in {413, 502}  # a proxy may have been still sending
    with front.wire() as wire:
        wire.send(in_chunks(form))
        wire.end()
        assert wire.answer().status in {201, 0}  # nginx and HAProxy have rules of their own for this
    assert front.is_well()
