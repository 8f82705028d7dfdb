"""JSON, queries, names and headers that no honest client sends: refused, and nothing changes."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.models import Batch
from files.models import FileUpload
from tests.api import (
    body_of,
    client_of,
    manifest_of,
    problem,
    raw_form,
    register,
    send_form,
    some_file,
    upload,
)

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
REGISTER = "/v1/batches/register"
GOOD = "correct horse battery"


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def deep(opening: str, closing: str, depth: int) -> str:
    return '{"expected_essay_count": 1, "title": ' + opening * depth + "1" + closing * depth + "}"


@pytest.mark.parametrize(
    "text",
    [
        *(deep("[", "]", depth) for depth in (50, 500, 900, 990, 2000, 10_000, 100_000)),
        *(deep('{"a":', "}", depth) for depth in (50, 500, 900, 990, 2000, 10_000, 100_000)),
        '{"expected_essay_count": NaN}',
        '{"expected_essay_count": Infinity}',
        '{"expected_essay_count": -Infinity}',
        '{"expected_essay_count": 1e400}',
        '{"expected_essay_count": -1e400}',
        '{"expected_essay_count": 1.5}',
        '{"expected_essay_count": 1e308}',
        '{"expected_essay_count": "1"}',
        '{"expected_essay_count": true}',
        f'{{"expected_essay_count": {2**63}}}',
        f'{{"expected_essay_count": {-(2**63) - 1}}}',
        f'{{"expected_essay_count": {"9" * 5000}}}',
        f'{{"expected_essay_count": 1, "configuration": {{"readiness_seconds": {2**63}}}}}',
        '{"expected_essay_count": 1, "configuration": {"partial_batch_threshold": 1e400}}',
        '{"expected_essay_count": 1, "configuration": {"partial_batch_threshold": NaN}}',
        '{"expected_essay_count": 1, "expected_essay_count": 2}',
        '\ufeff{"expected_essay_count": 1}',
        '{"expected_essay_count": 1}\x00',
        '{"expected_essay_count": 1} {}',
        "{'expected_essay_count': 1}",
        '{"expected_essay_count": 1,}',
        '{"expected_essay_count": 01}',
        '// \n{"expected_essay_count": 1}',
        "null",
        "[" + "1," * 10_001 + "1]",
        json.dumps({"expected_essay_count": 1, "title": ["x"] * 10_001}),
        json.dumps({f"field{number}": 1 for number in range(10_001)}),
        json.dumps({"expected_essay_count": 1, "configuration": {"steps": [[]] * 10_001}}),
    ],
    ids=lambda text: f"{text[:40]!r} {len(text)}",
)
def test_hostile_json_is_refused(client: APIClient, text: str) -> None:
    response = client.post(REGISTER, text.encode(), content_type="application/json")
    assert response.status_code == 400, response.content
    assert len(response.content) < 30_000
    assert not Batch.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_json_in_another_encoding(client: APIClient, encoding: str) -> None:
    data = '{"expected_essay_count": 1}'.encode(encoding)
    problem(
        client.post(REGISTER, data, content_type=f"application/json; charset={encoding}"),
        400,
        "MALFORMED_JSON",
    )


def test_ten_megabytes_of_json(client: APIClient) -> None:
    data = b'{"title": "' + b"x" * 10 * 1024 * 1024 + b'"}'
    problem(client.post(REGISTER, data, content_type="application/json"), 413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    "field",
    [
        "owner",
        "owner_id",
        "id",
        "pk",
        "batch_id",
        "is_staff",
        "state",
        "status",
        "version",
        "school",
        "deadline",
        "created_at",
        "upload_ts",
        "correlation_id",
        "slots",
        "run",
        "__class__",
        "configuration__priority",
    ],
)
def test_fields_that_are_not_the_clients_to_set(client: APIClient, colleague: User, field: str) -> None:
    body = {"expected_essay_count": 1, field: colleague.pk}
    (error,) = problem(client.post(REGISTER, body, format="json"), 400, "INVALID")["errors"]
    assert error["path"] == field
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "ordering=owner__password",
        "owner=1",
        "owner__password__startswith=p",
        "q__regex=(a%2B)%2B%24",
        "format=json",
        "limit=1000000000",
        "limit=-1",
        "limit=1e3",
        "limit=%D9%A3",
        "page=-1",
        "offset=-1",
        "cursor=AAAA",
        "cursor=" + "A" * 5000,
        "cursor=%00",
        "cursor=%F0%9F%98%80",
        "status=",
        "status=*",
        "q=" + "x" * 5000,
    ],
)
def test_lists_take_only_the_filters_they_tell_of(client: APIClient, query: str) -> None:
    register(client)
    response = client.get(f"/v1/batches?{query}")
    assert response.status_code == 400, response.content


def test_a_cursor_of_another_user_leads_to_ones_own_batches_only(client: APIClient, colleague: User) -> None:
    theirs = client_of(colleague)
    mine = [register(client)["batch_id"] for _ in range(3)]
    for _ in range(3):
        register(theirs)
    cursor = body_of(theirs.get("/v1/batches?limit=1"))["next"]
    found = body_of(client.get("/v1/batches", {"cursor": cursor}))["results"]
    assert {row["batch_id"] for row in found} == set(mine)


@pytest.mark.parametrize("words", ["%", "_", "\\", "'; DROP TABLE auth_user; --", "' OR 1=1", "(a+)+$", "ß"])
def test_search_words_are_only_words(client: APIClient, words: str) -> None:
    register(client, title="ordinary")
    response = client.get("/v1/batches", {"q": words})
    assert (response.status_code, body_of(response)["results"]) == (200, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Method-Override": "PUT"},
        {"X-Correlation-ID": "x" * 5000},
        {"X-Correlation-ID": "'; --"},
        {"Accept": "text/html;q=" + "9" * 500},
        {"Accept-Language": "xx-" + "y" * 900},
        {"Content-Type": "application/json; charset=nonsense"},
        {"If-Modified-Since": "yesterday"},
        {"Range": "bytes=0-0,1-1,2-2"},
        {"Cookie": "sessionid_8000=" + "x" * 4000},
        {"Cookie": "messages=x; csrftoken=y; =; ;;"},
    ],
    ids=str,
)
def test_odd_headers_change_nothing(client: APIClient, headers: dict[str, str]) -> None:
    response = client.get("/v1/batches", headers=headers)
    assert (response.status_code, body_of(response)["results"]) == (200, [])


NAMES = [
    "../../etc/passwd",
    "/etc/cron.d/x",
    "..\\..\\x.txt",
    "C:\\x\\y.txt",
    "..",
    ".",
    "...",
    "a/..",
    " ",
    "~",
    "-rf",
    "a\0b.txt",
    "a\r\nSet-Cookie: x=1.txt",
    'a"b.txt',
    "a;b.txt",
    "a%0d%0ab.txt",
    "gnp.\u202etxt",
    "a\u200bb.txt",
    "å" * 300 + ".txt",
    "x" * 4096,
    "x" * 200 + "." + "y" * 200,
    "ra\u0308ksmo\u0308rga\u030as.txt",
    "räksmörgås.txt",
    "👩‍🏫😀.txt",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍a͡l̡go.txt",
    "раypal.docx",
    "CON",
    "a:b",
    "trailing. ",
    "aux.txt",
    ".htaccess",
    "<script>alert(1)</script>.txt",
    "{{7*7}}.txt",
    "=HYPERLINK(1).txt",
    "%s%n.txt",
    "\ufeffx.txt",
    "\u2028x.txt",
    "a\tb.txt",
    "\x7f.txt",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_are_shown_cleaned_and_never_used_for_storage(
    client: APIClient, make_essay: Essays, name: str
) -> None:
    batch_id = register(client, 2)["batch_id"]
    fields = {"batch_id": batch_id, "manifest": manifest_of((name, make_essay(1)))}
    if "\0" in name:
        fields["manifest"] = manifest_of((name.replace("\0", "\x01"), make_essay(1)))
    response = send_form(client, raw_form(fields, [("f", make_essay(1))]))
    assert response.status_code == 201, response.content
    (record,) = body_of(response)["files"]
    shown = record["filename"]
    assert 0 < len(shown) <= 150
    assert unicodedata.is_normalized("NFC", shown)
    assert not set(shown) & set("/\\\0\r\n\t\u202e\u200b\u2028\ufeff")
    assert shown.strip(". ") != ""
    row = FileUpload.objects.get()
    assert default_storage.exists(f"raw/{row.raw_id.hex[:2]}/{row.raw_id.hex}")
    download = client.get(f"/v1/content/{row.raw_id}")
    assert download.content == make_essay(1)
    disposition = download.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert "\r" not in disposition and "\n" not in disposition and disposition.isascii()
    assert download.headers["Content-Type"] == "application/octet-stream"


def test_a_nul_in_an_announced_name_is_refused(client: APIClient, make_essay: Essays) -> None:
    fields = {"batch_id": register(client)["batch_id"], "manifest": manifest_of(("a\0.txt", make_essay(1)))}
    problem(send_form(client, raw_form(fields, [("f", make_essay(1))])), 400, "INVALID_TEXT")


@pytest.mark.parametrize("name", ["..", ".", "/", "", "a/"])
def test_a_part_that_django_drops_is_missed(client: APIClient, make_essay: Essays, name: str) -> None:
    batch_id = register(client, 2)["batch_id"]
    files = [("a.txt", make_essay(1)), (name, make_essay(2))]
    fields = {"batch_id": batch_id, "manifest": manifest_of(*files)}
    response = send_form(client, raw_form(fields, files))
    body = body_of(response)
    if response.status_code == 201:
        assert len(body["files"]) == 2
    else:
        assert (response.status_code, body["code"]) in {(422, "UPLOAD_INCOMPLETE"), (400, "INVALID")}


def test_both_spellings_of_one_name_are_kept_under_one_name(client: APIClient, make_essay: Essays) -> None:
    batch_id = register(client, 2)["batch_id"]
    names = [unicodedata.normalize(form, "räksmörgås.txt") for form in ("NFC", "NFD")]
    files = [some_file(make_essay(number), name) for number, name in enumerate(names)]
    answer = body_of(upload(client, batch_id, *files))
    assert [file["filename"] for file in answer["files"]] == ["räksmörgås.txt"] * 2
    assert FileUpload.objects.count() == 2


@pytest.mark.parametrize("names", [("a.txt", "a.txt"), ("a.txt", "A.TXT")])
def test_the_same_name_with_other_content_is_another_file(
    client: APIClient, make_essay: Essays, names: tuple[str, str]
) -> None:
    batch_id = register(client, 2)["batch_id"]
    files = [some_file(make_essay(number), name) for number, name in enumerate(names)]
    assert upload(client, batch_id, *files).status_code == 201
    assert sorted(FileUpload.objects.values_list("filename", flat=True)) == sorted(names)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_forms_from_elsewhere_are_refused(teacher: User, make_essay: Essays, origin: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(teacher)
    batch_id = register(client_of(teacher))["batch_id"]
    browser.get("/")
    cookie = browser.cookies.get(django_settings.CSRF_COOKIE_NAME)
    headers = {"Origin": origin, "X-CSRFToken": cookie.value if cookie else ""}
    for address, form in (
        ("/v1/files/batch", {"batch_id": batch_id, "files": some_file(make_essay(1))}),
        (f"/v1/batches/{batch_id}/cancel", {}),
        ("/account/", {"name": "x"}),
    ):
        assert browser.post(address, form, headers=headers).status_code == 403, address
    assert (FileUpload.objects.count(), Batch.objects.get().status) == (0, "awaiting_content")


def tries(address: str, name: str, password: str, count: int, path: str = "/v1/auth/token") -> list[int]:
    client = APIClient(REMOTE_ADDR=address)
    form: dict[str, Any] = {"username": name, "password": password}
    kind = "json" if path.startswith("/v1/") else "multipart"
    return [client.post(path, form, format=kind).status_code for _ in range(count)]


@pytest.fixture
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.mark.parametrize(("path", "right"), [("/v1/auth/token", 201), ("/accounts/login/", 302)])
@pytest.mark.usefixtures("quick_passwords")
def test_guessing_locks_the_pair_of_name_and_address_only(path: str, right: int) -> None:
    for name in ("guessed", "neighbour"):
        User.objects.create_user(name, password=GOOD)
    answers = tries("10.1.1.1", "guessed", "wrong", 50, path)
    assert answers.count(429) == 40
    assert tries("10.1.1.1", "GUESSED", GOOD, 1, path) == [429]
    assert tries("10.1.1.1", "neighbour", GOOD, 1, path) == [right]
    assert tries("10.1.1.2", "guessed", GOOD, 1, path) == [right]


@pytest.mark.usefixtures("quick_passwords")
def test_a_whole_school_behind_one_address_signs_in() -> None:
    names = [f"teacher{number}" for number in range(50)]
    for name in names:
        User.objects.create_user(name, password=GOOD)
    assert [tries("10.2.2.2", name, GOOD, 1) for name in names] == [[201]] * 50
