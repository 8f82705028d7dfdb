"""Bodies that are too large, too slow, cut off or contradictory, as bytes on the wire."""

import time

import psycopg
import pytest

from huleedu.embedded import PostgresServer
from tests.conftest import essay_bytes
from tests.faults.wire import LIMIT, Form, Hasty, chunked, head
from tests.installation import Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


def names_in(hasty: Hasty, form: Form) -> list[str]:
    return hasty.names(form.batch_id, form.token)


def test_a_whole_upload_arrives(hasty: Hasty, form: Form) -> None:
    answer = hasty.say(form.head() + form.body)
    assert answer.status == 201, answer
    assert names_in(hasty, form) == ["a.txt", "b.txt"]


def test_200_megabytes_are_refused_before_any_is_read(hasty: Hasty, form: Form) -> None:
    answer = hasty.say(form.head(200 * 1024 * 1024))
    assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert hasty.spooled() == []


def test_the_request_limit_and_one_byte_more(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(LIMIT) + form.body)
        assert wire.answer().status == 408  # taken, and waited for
    answer = hasty.say(form.head(LIMIT + 1) + form.body)
    assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")
    assert names_in(hasty, form) == []


def test_bytes_of_unknown_number_are_counted_and_their_file_is_gone(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(Transfer_Encoding="chunked"))
        wire.send(chunked(b"x" * (LIMIT - 100_000)))
        wait_until(lambda: sum(hasty.spooled()) > LIMIT / 2, 5, "the body is spooled")
        wire.send(chunked(b"x" * 200_000))
        answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (413, "REQUEST_TOO_LARGE")
    wait_until(lambda: hasty.spooled() == [], 5, "the temporary file is gone")
    assert hasty.is_well()


def test_whoever_goes_on_sending_is_cut_off(hasty: Hasty, form: Form) -> None:
    began = time.monotonic()
    with hasty.wire() as wire:
        wire.send(form.head(10 * LIMIT))
        for _ in range(200):
            wire.send(b"x" * 100_000)
        wire.read()
    assert time.monotonic() - began < 10
    assert hasty.memory() < 400 * 1024 * 1024
    assert hasty.is_well()


def test_a_length_too_long_and_a_client_that_leaves(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(500_000) + form.body)
    wait_until(lambda: hasty.spooled() == [], 5, "the temporary file is gone")
    assert names_in(hasty, form) == []
    assert hasty.say(form.head() + form.body).status == 201  # nothing stands in the way of another try


def test_a_length_too_long_and_a_client_that_waits(hasty: Hasty, form: Form) -> None:
    answer = hasty.say(form.head(500_000) + form.body)
    assert (answer.status, answer.body["code"]) == (408, "REQUEST_TIMEOUT")
    assert names_in(hasty, form) == []
    wait_until(lambda: hasty.spooled() == [], 5, "the temporary file is gone")


def test_a_length_too_short_keeps_what_arrived_whole(hasty: Hasty, form: Form) -> None:
    cut = form.body.index(essay_bytes(2)) + 10
    with hasty.wire() as wire:
        wire.send(form.head(cut, Connection="keep-alive") + form.body)
        data = wire.read()
    first, second = data.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"422 Unprocessable Entity\r\n")
    assert b"UPLOAD_INCOMPLETE" in first
    assert second.startswith(b"400 ")
    assert names_in(hasty, form) == ["a.txt"]


@pytest.mark.parametrize("seconds", [0.4])
def test_a_body_that_trickles_in_ends_with_its_time(hasty: Hasty, form: Form, seconds: float) -> None:
    began = time.monotonic()
    with hasty.wire() as wire:
        wire.send(form.head() + form.body[:100])
        while time.monotonic() - began < 3.5:
            time.sleep(seconds)
            wire.send(b"x")
        answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (408, "REQUEST_TIMEOUT")
    assert 3.5 < time.monotonic() - began < 7
    assert names_in(hasty, form) == []


def test_a_slow_body_within_its_time_arrives(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head())
        for at in range(0, len(form.body), 200):
            time.sleep(0.3)
            wire.send(form.body[at : at + 200])
        assert wire.answer().status == 201


def test_expecting_to_go_on_and_then_nothing(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(Expect="100-continue"))
        data = wire.read()
    assert data.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 408 " in data
    assert names_in(hasty, form) == []


def test_expecting_to_go_on_with_too_much_is_refused_at_once(hasty: Hasty, form: Form) -> None:
    with hasty.wire() as wire:
        wire.send(form.head(LIMIT + 1, Expect="100-continue"))
        assert wire.read().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: {length}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: {length}",
        "Content-Length: {length}\r\nContent-Length: {length}",
        "Content-Length: {length}\r\nContent-Length: 5",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 5e1",
        "Content-Length: {length}, {length}",
        "Content-Length: 0x10",
        "Content-Length:",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
    ],
)
def test_bodies_of_contradictory_length_are_never_read(hasty: Hasty, form: Form, lines: str) -> None:
    start = head("POST", "/v1/files/batch", Authorization=f"Bearer {form.token}").removesuffix(b"\r\n")
    told = lines.format(length=len(form.body)).encode()
    kind = f"Content-Type: multipart/form-data; boundary={form.boundary}".encode()
    answer = hasty.say(start + b"\r\n".join([kind, told, b"", b""]) + form.body)
    assert answer.status == 400, answer
    assert names_in(hasty, form) == []


@pytest.mark.parametrize(
    "chunk", [b"zz\r\nabc\r\n", b"-1\r\n\r\n", b"3\r\nabcdef\r\n", b"f" * 5000 + b"\r\n"]
)
def test_broken_chunks(hasty: Hasty, form: Form, chunk: bytes) -> None:
    answer = hasty.say(form.head(Transfer_Encoding="chunked") + chunk)
    assert answer.status == 400, answer
    assert hasty.is_well()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, identity", "aws-chunked"])
def test_packed_bodies_are_refused(hasty: Hasty, form: Form, coding: str) -> None:
    answer = hasty.say(form.head(Content_Encoding=coding) + form.body)
    assert (answer.status, answer.body["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert names_in(hasty, form) == []


@pytest.mark.parametrize("path", ["/healthz", "/v1/files/batch", "/nowhere"])
@pytest.mark.parametrize(
    ("content_type", "unit"),
    [("multipart/form-data; boundary=x", b"\n"), ("application/x-www-form-urlencoded", b"a=1&")],
)
def test_nobody_waits_while_a_form_is_taken_apart(
    hasty: Hasty, form: Form, path: str, content_type: str, unit: bytes
) -> None:
    """Two megabytes of empty lines would cost the thread that serves everybody two seconds."""
    body = unit * (1_900_000 // len(unit))
    facts = {"Content_Type": content_type, "Content_Length": len(body), "Connection": "close"}
    with hasty.wire() as wire:
        wire.send(head("POST", path, Authorization=f"Bearer {form.token}", **facts) + body)
        began = time.monotonic()
        assert hasty.get("/healthz").status == 200
        waited = time.monotonic() - began
        assert 400 <= wire.answer().status < 500
    assert waited < 0.7


def test_a_form_of_odd_parts_is_answered(hasty: Hasty, form: Form) -> None:
    """Twisted cuts the connection off at a name in its extended form, and at parts within parts."""
    body = form.body.replace(b'name="files"; filename="a.txt"', b"name*=UTF-8''files; filename=\"a.txt\"")
    assert hasty.say(form.head(len(body)) + body).status in {201, 400}
    nested = b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 3000
    facts = {"Content_Type": "multipart/form-data; boundary=x", "Content_Length": len(nested)}
    start = head("POST", "/v1/files/batch", Authorization=f"Bearer {form.token}", Connection="close", **facts)
    assert 400 <= hasty.say(start + nested).status < 500


@pytest.mark.parametrize("end", [b"\n\n", b"\n"], ids=["whole", "begun"])
def test_a_request_whose_lines_end_with_lf_alone_is_refused_at_once(
    hasty: Hasty, form: Form, end: bytes
) -> None:
    start = form.head().replace(b"\r\n", b"\n").rstrip(b"\n") + end
    answer = hasty.say(start + form.body)
    assert (answer.status, answer.body["code"]) == (400, "INVALID")
    mixed = form.head().replace(b"Connection: close\r\n", b"Connection: close\n")
    assert hasty.say(mixed + form.body).status == 400
    assert names_in(hasty, form) == []


def test_forms_of_other_clients_arrive(hasty: Hasty, form: Form) -> None:
    kind = f'Multipart/Form-Data ; BOUNDARY = "{form.boundary[0]}\\{form.boundary[1:]}"'
    edge = f"--{form.boundary}".encode()
    body = b"preamble\r\n" + form.body.replace(edge + b"\r\n", edge + b" \t\r\n")
    body = body.removesuffix(b"\r\n") + b" \t\r\nepilogue"
    facts = {"AUTHORIZATION": f"bearer {form.token}", "CONTENT_TYPE": kind, "CONNECTION": "CLOSE"}
    facts |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_ENCODING": "Identity"}
    answer = hasty.say(head("POST", "/v1/files/batch", **facts) + body)
    assert answer.status == 201, answer
    assert names_in(hasty, form) == ["a.txt", "b.txt"]


HEAD = b'--x-boundary-x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n'


@pytest.mark.parametrize(
    "filler",
    [b"x", b"X: y\r\n", b"X: y\r\n y\r\n", b" y\r\n", b"\r\n\r\n" + HEAD * 2],
    ids=["one without end", "tiny", "folded", "fold upon fold", "dispositions"],
)
def test_headers_of_parts_are_bounded(hasty: Hasty, form: Form, filler: bytes) -> None:
    body = (HEAD + filler * LIMIT)[: LIMIT - 1]
    before, began = hasty.memory(), time.monotonic()
    answer = hasty.say(form.head(len(body)) + body)
    assert (answer.status, answer.body["code"]) == (400, "MALFORMED_MULTIPART")
    assert time.monotonic() - began < 5
    assert hasty.memory() - before < 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("lines", "expected"),
    [(b"X: y\r\n" * 20_000, {400, 413, 431}), (b"X: " + b"y" * 500_000, {400, 413, 431})],
    ids=["thousands", "one without end"],
)
def test_headers_of_requests_are_bounded(hasty: Hasty, lines: bytes, expected: set[int]) -> None:
    answer = hasty.say(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + lines)
    assert answer.status in expected
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_token_that_ends_during_the_upload_keeps_nothing(
    hasty: Hasty, installation: Installation, form: Form
) -> None:
    sent = Form(form.batch_id, installation.token(), form.files)
    with hasty.wire() as wire:
        wire.send(sent.head() + sent.body[:400])
        revoke_newest(installation)
        wire.send(sent.body[400:])
        answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (401, "NOT_SIGNED_IN")
    assert names_in(hasty, form) == []


def revoke_newest(installation: Installation) -> None:
    """End the token that was made last."""
    with psycopg.connect(PostgresServer(installation.var).url, autocommit=True) as connection:
        connection.execute(
            "UPDATE huleedu_apitoken SET revoked_at = now() WHERE id = (SELECT max(id) FROM huleedu_apitoken)"
        )
