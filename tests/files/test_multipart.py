"""Parts in = parts accounted for: whatever a form looks like, nothing in it vanishes silently."""

import base64
import quopri
from dataclasses import dataclass
from io import BytesIO

import pytest
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from files import multipart
from files.disposition import BadDisposition, Disposition, read_disposition
from files.multipart import PartReader, WatchedStream
from files.names import UNNAMED, clean_name
from files.transfer import BadContent, decoder_for
from huleedu.web.handler import MeasuredRequest

BOUNDARY = "x-boundary-x"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
HEAD = b'Content-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'


@dataclass(frozen=True)
class Read:
    """What came of a form: (name, content) of its files, (field, text) of its fields."""

    files: list[tuple[str, bytes]]
    fields: list[tuple[str, str]]
    complete: bool

    @property
    def accounted(self) -> int:
        return len(self.files) + len(self.fields)


def form_of(*parts: bytes, end: bytes = b"--x-boundary-x--\r\n") -> bytes:
    """A body of ``parts``, each of them headers, an empty line and content."""
    return b"".join(b"--x-boundary-x\r\n" + part + b"\r\n" for part in parts) + end


def request_of(body: bytes, content_type: str) -> HttpRequest:
    """What the server makes of a form."""
    head = (b"content-type", content_type.encode("latin-1"))
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [head]}
    return MeasuredRequest(scope, BytesIO(body))


def read(body: bytes, content_type: str = CONTENT_TYPE) -> Read:
    request = request_of(body, content_type)
    (reader,) = request.upload_handlers
    assert isinstance(reader, PartReader)
    files = [(each.name or "", each.read()) for _, several in request.FILES.lists() for each in several]
    fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
    request.close()
    return Read(files, fields, reader.complete)


NAMES = {
    b"plain.txt": "plain.txt",
    "åäö.txt".encode(): "åäö.txt",
    "Åsa Öberg.txt".encode("cp1252"): "Åsa Öberg.txt",
    "Åsa Öberg.txt".encode("mac-roman"): "Åsa Öberg.txt",
    "Bäck, Sören.txt".encode("cp437"): "Bäck, Sören.txt",
    "åäö.txt".encode("utf-16-le"): "åäö.txt",
    b"\xff\xfe\xfd": "\ufffd",
    b"=?utf-8?Q?=C3=85sa_=C3=96berg.txt?=": "Åsa Öberg.txt",
    b"=?UTF-8?B?w4VzYS50eHQ=?=": "Åsa.txt",
    b"=?iso-8859-1?q?=C5sa?= =?iso-8859-1?q?.txt?=": "Åsa.txt",
    b"=?nonsense?q?=C3=85sa.txt?=": "Åsa.txt",
    b"=?utf-8?B?w?=": "=?utf-8?B?w?=",
    b"a%22b%0D%0A.txt": 'a"b.txt',
    b"100%25 %C3%A5.txt": "100%25 %C3%A5.txt",
    b'say \\"hi\\"; then.txt': 'say "hi"; then.txt',
    b"&#8364;&amp;.txt": "€&amp;.txt",
    rb"C:\work\essay.txt": "essay.txt",
    b"folder/sub/essay.txt": "essay.txt",
    b"..": UNNAMED,
    b".": UNNAMED,
    b"/": UNNAMED,
    b"///": UNNAMED,
    b"": UNNAMED,
    b" ": UNNAMED,
    b"\x01\x02\x7f": UNNAMED,
    b"\xe2\x80\x8b": UNNAMED,
    b"\x00": UNNAMED,
    b"a\x00b.txt": "ab.txt",
    b"n" * 3000 + b".txt": "n" * 146 + ".txt",
    b"e." + b"x" * 300: ("e." + "x" * 300)[: 150 - 16] + ".xxxxxxxxxxxxxxx",
}


@pytest.mark.parametrize("sent", NAMES, ids=range(len(NAMES)))
def test_a_file_is_taken_under_its_name_or_a_repaired_one(sent: bytes) -> None:
    found = read(form_of(HEAD % b"before.txt" + b"1", HEAD % sent + b"content", HEAD % b"after.txt" + b"3"))
    assert found == Read([("before.txt", b"1"), (NAMES[sent], b"content"), ("after.txt", b"3")], [], True)


@pytest.mark.parametrize("sent", NAMES, ids=range(len(NAMES)))
def test_a_large_one_on_disk_too(sent: bytes, settings: Settings) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    assert read(form_of(HEAD % sent + b"content")).files == [(NAMES[sent], b"content")]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("form-data; name=files; filename=a.txt", "a.txt"),
        ("form-data; NAME=files; FileName=a.txt", "a.txt"),
        ("form-data;name=files;filename=my essay.txt", "my essay.txt"),
        ("form-data; filename=a.txt; name=files", "a.txt"),
        ("form-data; name=files; filename*=UTF-8''%C3%A5.txt", "å.txt"),
        ("form-data; name=files; filename*=utf-8'sv'%C3%A5.txt; filename=x.txt", "å.txt"),
        ("form-data; name=files; filename=x.txt; FILENAME*=UTF-8''%C3%A5.txt", "å.txt"),
        ("form-data; name=files; filename=x.txt; filename*=UTF-8''", "x.txt"),
        ("form-data; name=files; filename*=ISO-8859-1''%E5.txt", "å.txt"),
        ("form-data; name=files; filename*=windows-1252''%80.txt", "€.txt"),
        ("form-data; name=files; filename*=utf-8''%E5.txt", "å.txt"),
        ("form-data; name=files; filename*=nonsense''%C3%A5.txt", "å.txt"),
        ("form-data; name=files; filename*=zlib''%C3%A5.txt", "å.txt"),
        ("form-data; name=files; filename*=%C3%A5.txt", "å.txt"),
        ("form-data; name=files; filename*0*=UTF-8''%C3; filename*1*=%A5; filename*2=.txt", "å.txt"),
        ("form-data; name=files; filename*1=b.txt; filename*0=a", "ab.txt"),
        ("form-data; name=files; filename==?utf-8?Q?=C3=A5.txt?=", "å.txt"),
        ('form-data; name=files; filename="', '"'),
        ('form-data ;\tname = "files" ;  filename\t=\t"a.txt"  ;', "a.txt"),
        ('FORM-DATA;;name="files";;filename="a.txt";', "a.txt"),
        ('form-data; filename*=UTF-8\'\'%C3%A5.txt; filename="x.txt"; name="files"', "å.txt"),
        (r'form-data; filename="a\"; name=\"b\".txt"; name="files"', 'a"; name="b".txt'),
        (r'form-data; size=7; filename="a;b.txt"; x="\\"; name="files"', "a;b.txt"),
        ("form-data; name=files; filename=", ""),
        ("form-data; name=files", None),
    ],
)
def test_names_in_every_clothing(header: str, expected: str | None) -> None:
    assert read_disposition(header) == Disposition("files", expected)


@pytest.mark.parametrize(
    "header", ["form-data; name=files; filename*=x; filename*0=y", "form-data" + "; a=b" * 200]
)
def test_headers_that_cannot_be_read(header: str) -> None:
    with pytest.raises(BadDisposition):
        read_disposition(header)


FILE = b'Content-Disposition: form-data; name="files"; filename="a.txt"'


@pytest.mark.parametrize(
    "headers",
    [
        b'Content-Disposition: form-data;\r\n name="files";\r\n\tfilename="a.txt"',
        b"content-disposition:form-data;name=files;filename=a.txt",
        FILE + b"\r\nContent-Type: text/plain",
        FILE + b"\r\nContent-Type: nonsense",
        FILE + b"\r\nContent-Transfer-Encoding: binary",
        FILE + b"\r\nContent-Length: 7",
        FILE + b"\r\nX-Own: " + b"y" * 5000,
        FILE + b"\r\nX-Own: \xe5\xff",
        b"X-First: 1\r\n" + FILE,
        FILE.upper().replace(b"FILES", b"files").replace(b"A.TXT", b"a.txt"),
        FILE.replace(b": ", b" :\t") + b" \t",
        FILE.replace(b"; ", b"\r\n\t ; \r\n  "),
        FILE + b"\r\nContent-Transfer-Encoding:\t 8BIT (plain \\) (nested)) \t",
        FILE + b"\r\ncontent-transfer-encoding: (what it was)\r\n Binary",
        FILE + b"\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(14)) + b"X-Last: y",
    ],
    ids=range(15),
)
def test_headers_that_can_be_read(headers: bytes) -> None:
    body = form_of(headers + b"\r\n\r\ncontent", HEAD % b"b.txt" + b"2")
    assert read(body).files == [("a.txt", b"content"), ("b.txt", b"2")]


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: text/plain\r\n\r\nno disposition",
        b"Content-Disposition: form-data\r\n\r\nno name",
        b'Content-Disposition: form-data; filename="a.txt"\r\n\r\nno name',
        b'Content-Disposition: attachment; name="files"; filename="a.txt"\r\n\r\nno form',
        FILE + b"\r\n" + FILE + b"\r\n\r\ntwo dispositions",
        FILE + b"\r\nX-Own: " + b"y" * 9000 + b"\r\n\r\na long header",
        FILE + b"\r\n" + b"X-Own: y\r\n" * 20 + b"\r\nmany headers",
        FILE + b"\r\nno colon\r\n\r\nx",
        FILE + b"\r\nBad Name: x\r\n\r\nx",
        FILE + b"\r\nContent-Length: 6\r\n\r\nseven..",
        FILE + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        FILE + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD=UJD",
        FILE + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDR",
        FILE + b"\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nx",
        FILE + b"\r\nContent-Transfer-Encoding: base64 binary\r\n\r\nQUJD",
        FILE + b"\r\nContent-Transfer-Encoding: base64 (open\r\n\r\nQUJD",
        FILE + b"\r\nContent-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD",
        FILE + b"\r\n" + b"x" * 200_000,
        FILE + b"\r\nX-Folded: y" + b"\r\n y" * 5_000 + b"\r\n\r\nx",
        b" folded from nothing: x\r\n" + FILE + b"\r\n\r\nx",
        FILE + b"\ncontent without a line end",
        FILE.replace(b"; ", b";\n "),
        b'Content-Disposition: form-data; name="files"\r\n'
        b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\ninner\r\n--y--",
        b"Content-Disposition: form-data; name=files; filename=" + b'"' + b";" * 500 + b'"\r\n\r\nx',
        b"",
        b"\r\nno headers",
    ],
    ids=range(26),
)
def test_a_part_that_cannot_be_read_refuses_the_whole_form(part: bytes) -> None:
    with pytest.raises(MultiPartParserError):
        read(form_of(HEAD % b"good.txt" + b"1", part, HEAD % b"good.txt" + b"2"))


@pytest.mark.parametrize(
    "body",
    [
        form_of(HEAD % b"a.txt" + b"1").replace(b"\r\n", b"\n"),
        form_of(HEAD % b"a.txt" + b"1").replace(b"\r\n", b"\r"),
        form_of(HEAD % b"a.txt" + b"1") + form_of(HEAD % b"b.txt" + b"2"),
        form_of(HEAD % b"a.txt" + b"1", end=b"--x-boundary-x--x--x-boundary-x\r\n" + HEAD % b"b.txt")
        + b"2\r\n--x-boundary-x--",
        b"preamble" + form_of(HEAD % b"a.txt" + b"1"),
        form_of(HEAD % b"a.txt" + b"1", end=b"--x-boundary-x \t x\r\n" + HEAD % b"b.txt" + b"2"),
        form_of(HEAD % b"a.txt" + b"1", end=b"--x-boundary-x \t\n" + HEAD % b"b.txt" + b"2"),
        form_of(HEAD % b"a.txt" + b"1", end=b"--x-boundary-x" + b" " * 100_000 + b"\r\n" + HEAD % b"b.txt"),
        form_of(HEAD % b"a.txt" + b"--x-boundary-x\r\n" + HEAD % b"b.txt" + b"2"),
        form_of(HEAD % b"a.txt" + b"1", end=b"--x-boundary-xyz\r\n" + HEAD % b"b.txt" + b"2"),
    ],
    ids=[
        "LF",
        "CR",
        "twice",
        "hidden",
        "glued preamble",
        "padded",
        "padded LF",
        "endless padding",
        "no content",
        "longer boundary",
    ],
)
def test_a_body_in_which_a_part_could_hide_is_refused_or_incomplete(body: bytes) -> None:
    try:
        assert not read(body).complete
    except MultiPartParserError:
        return


def test_what_stands_around_the_parts_is_no_part() -> None:
    body = b"This is a message with multiple parts.\r\n" + form_of(HEAD % b"a.txt" + b"1") + b"good bye\r\n"
    assert read(body) == Read([("a.txt", b"1")], [], True)


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17, 64 * 1024])
@pytest.mark.parametrize("padding", [b" ", b"\t", b" \t \t" * 50])
def test_blanks_after_boundaries_are_no_content(
    monkeypatch: pytest.MonkeyPatch, size: int, padding: bytes
) -> None:
    """RFC 2046 calls them transport padding: mail gateways add them."""
    monkeypatch.setattr(multipart, "CHUNK_BYTES", size)
    kept = b" \r\n--x-boundary \r\n\r\r\n--x-boundary-\t\r\n--"
    body = b"before \r\n" + form_of(HEAD % b"a.txt" + kept, HEAD % b"b.txt" + padding)
    body = body.replace(b"--x-boundary-x", b"--x-boundary-x" + padding)
    last = b"--x-boundary-x" + padding + b"--"
    body = body.replace(last, b"--x-boundary-x--" + padding) + b"after" + padding
    assert read(body) == Read([("a.txt", kept), ("b.txt", padding)], [], True)


@pytest.mark.parametrize(
    "content_type",
    [
        "Multipart/Form-Data; BOUNDARY=x-boundary-x",
        'MULTIPART/FORM-DATA;Boundary="x-boundary-x"',
        "\tmultipart/form-data ;\tboundary =\tx-boundary-x\t; charset=UTF-8 ;",
        r'multipart/form-data; x="; boundary=y"; boundary="x\-boundary\-x"',
        "multipart/form-data; boundary=x-boundary-x; boundary=x-boundary-x",
        "multipart/form-data; charset=nonsense; boundary=x-boundary-x",
    ],
)
def test_types_of_forms_in_every_clothing(content_type: str) -> None:
    body = form_of(HEAD % b"a.txt" + b"1")
    assert read(body, content_type=content_type).files == [("a.txt", b"1")]


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=x-boundary-x; boundary=y",
        "multipart/form-data; boundary=é",
    ],
)
def test_types_of_forms_that_say_no_boundary_or_two(content_type: str) -> None:
    with pytest.raises(MultiPartParserError):
        read(form_of(HEAD % b"a.txt" + b"1"), content_type=content_type)


@pytest.mark.parametrize("boundary", ['"x y"', "a'()+_,-./:=?", "x" * 70, "-", '"="'])
def test_strange_boundaries(boundary: str) -> None:
    body = form_of(HEAD % b"a.txt" + b"--x-boundary-\r\n-x").replace(
        b"--x-boundary-x", b"--" + boundary.strip('"').encode()
    )
    assert read(body, f"multipart/form-data; boundary={boundary}").files == [
        ("a.txt", b"--x-boundary-\r\n-x")
    ]


def test_what_is_no_file() -> None:
    text = b'Content-Disposition: form-data; name="files"\r\n\r\n'
    assert read(form_of(text + b"text")) == Read([], [("files", "text")], True)
    typed = b'Content-Disposition: form-data; name="files"\r\nContent-Type: text/plain\r\n\r\n'
    assert read(form_of(typed + b"text")) == Read([(UNNAMED, b"text")], [], True)
    assert read(form_of(HEAD % b"")) == Read([], [("files", "")], True)
    manifest = b'Content-Disposition: form-data; name="manifest"\r\nContent-Type: application/json\r\n\r\n[]'
    assert read(form_of(manifest)) == Read([], [("manifest", "[]")], True)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_packed_content(size: int) -> None:
    data = "Åsa = essay\n".encode() * 20 + bytes(range(256))
    packed = {"base64": base64.encodebytes(data), "quoted-printable": quopri.encodestring(data), "7bit": data}
    for encoding, content in packed.items():
        decoder = decoder_for(encoding.upper())
        pieces = [decoder.feed(content[at : at + size]) for at in range(0, len(content), size)]
        assert b"".join([*pieces, decoder.end()]) == data
    with pytest.raises(BadContent):
        decoder_for("quoted-printable").feed(b"x" * 100_000)


def test_boundaries_are_counted_across_reads() -> None:
    body = form_of(HEAD % b"a" + b"1", HEAD % b"b" + b"not at a line's start: --x-boundary-x")
    for size in (1, 2, 3, 5, 15, 16, 17, 1000):
        stream = WatchedStream(BytesIO(body), BOUNDARY.encode())
        while stream.read(size):
            pass
        assert (stream.boundaries, stream.ended) == (3, True), size


def test_a_part_whose_headers_swallow_the_line_before_the_boundary_is_no_part_that_vanishes() -> None:
    headers = b'Content-Disposition: form-data; name="files"; filename="a.txt"'
    for after in (b"\n\n\r\n", b"\r\n"):
        with pytest.raises(MultiPartParserError):
            read(form_of(headers + after))
    assert read(form_of(headers + b"\r\n\r\n")).files == [("a.txt", b"")]


HEADERS = st.sampled_from(
    [
        FILE,
        b'Content-Disposition: form-data; name="files"; filename="%s"',
        b"Content-Disposition: form-data; name=files; filename=%s",
        b"Content-Disposition: form-data; name=files; filename*=UTF-8''%s",
        b'Content-Disposition: form-data; name="batch_id"',
        b'Content-Disposition: form-data; name="%s"',
        b'Content-Disposition: form-data; filename="%s"',
        b"Content-Type: text/plain",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: %s",
        b"%s",
        b"%s: %s",
    ]
)
PIECES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"\r\n", b"\n", b"--x-boundary-x", b"--x-boundary-x--", b"--x-boundary-xy", b'"', b";"]),
)


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """One part, more or less proper."""
    lines = []
    for line in draw(st.lists(HEADERS, min_size=1, max_size=3)):
        for _ in range(line.count(b"%s")):
            line = line.replace(b"%s", draw(PIECES), 1)
        lines.append(line)
    newline = draw(st.sampled_from([b"\r\n"] * 9 + [b"\n"]))
    return newline.join(lines) + newline * 2 + b"".join(draw(st.lists(PIECES, max_size=4)))


@given(st.lists(parts(), max_size=6), st.binary(max_size=10))
@settings(max_examples=400, deadline=None)
def test_parts_in_are_parts_accounted_for(given_parts: list[bytes], rest: bytes) -> None:
    body = form_of(*given_parts) + rest
    try:
        found = read(body)
    except MultiPartParserError:
        return
    lines = b"\r\n" + body
    on_the_wire = lines.count(b"\r\n--x-boundary-x")
    if found.complete:
        assert found.accounted == on_the_wire - 1
        assert found.accounted >= len(given_parts)
    else:
        assert found.accounted <= on_the_wire
    assert all(name == clean_name(name) for name, _ in found.files)


@given(st.binary(min_size=1, max_size=60).filter(lambda name: not set(name) & set(b'\r\n"\\')))
@settings(max_examples=400, deadline=None)
def test_a_name_of_any_bytes_never_costs_the_file(name: bytes) -> None:
    found = read(form_of(HEAD % name + b"content", HEAD % b"b.txt" + b"2"))
    assert [content for _, content in found.files] == [b"content", b"2"]
    assert found.complete
