"""Cookies, headers, plain http, tokens and search words: the small doors."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.contrib.messages import constants
from django.contrib.messages.storage import default_storage
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from huleedu import run, server
from huleedu.api.shapes import TokenAnswer
from huleedu.http.headers import FIXED, FIXED_OF_PARTS, OTHERS, PAGES, PARTS
from huleedu.machine.listening import complaint_about_plain_http, is_loopback
from huleedu.models import ApiToken
from huleedu.web.limits import refusal
from tests.api import checked, client_of, problem
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"
EVERYWHERE = "0.0.0.0"  # noqa: S104
SECURE = {"HULEEDU_HTTPS": "1"}
COOKIES = ("SESSION", "CSRF", "LANGUAGE", "MESSAGE", "DEVICE")


def told(expression: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a process with these variables makes of an expression about its settings."""
    program = f"from huleedu import settings; print({expression})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HULEEDU_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=configured.BASE_DIR,
        env=environment | {"SECRET_KEY": "x" * 50} | variables,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("variables", "named"),
    [({"HULEEDU_PORT": "8123"}, "{}_8123"), (SECURE, "__Host-{}")],
)
def test_every_cookie_has_a_name_of_its_own_copy(variables: dict[str, str], named: str) -> None:
    names = told(
        f"*(getattr(settings, each + '_COOKIE_NAME') for each in {COOKIES})", **variables
    ).stdout.split()
    words = ("sessionid", "csrftoken", "language", "messages", "device")
    assert names == [named.format(word) for word in words]


@pytest.fixture
def https(settings: Settings) -> Iterator[None]:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    yield


def test_every_cookie_is_strict(teacher: User, https: None) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"username": "teacher", "password": GOOD})
    client.post("/i18n/setlang/", {"language": "sv", "next": "/"})
    request = RequestFactory().get("/")
    request.session = client.session
    storage = default_storage(request)
    storage.add(constants.INFO, "Something was done")
    response = HttpResponse()
    storage.update(response)
    client.cookies.update(response.cookies)
    assert set(client.cookies) == {getattr(configured, f"{each}_COOKIE_NAME") for each in COOKIES}
    for name, cookie in client.cookies.items():
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax"), name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


def test_signing_out_clears_what_the_browser_kept(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    answer = client.post(reverse("logout"))
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert answer.cookies[configured.SESSION_COOKIE_NAME]["max-age"] == 0
    assert "Clear-Site-Data" not in client.get(reverse("logout")).headers
    assert "Clear-Site-Data" not in client.get(reverse("login")).headers


def kinds_of_answers(teacher: User) -> Iterator[tuple[str, Any]]:
    """An answer of every kind, by what asks for it."""
    batch = make_batch(teacher)
    essay = add_essay(batch, 1, "One essay of mine.")
    upload = add_file(batch, "failed", filename="empty.txt")
    own, stranger, api = Client(raise_request_exception=False), Client(), client_of(teacher)
    own.force_login(teacher)
    for path in (
        *("/", "/account/", "/help/", f"/batches/{batch.pk}/", f"/batches/{batch.pk}/results/", "/nowhere/"),
        *("/static/huleedu/favicon.svg", "/static/huleedu/js/theme.js", "/static/admin/css/base.css"),
        *("/static/nowhere.css", "/healthz", "/readyz", "/metrics", f"/files/{upload.pk}/trace/"),
    ):
        yield path, own.get(path)
    for path in (
        "/",
        "/accounts/login/",
        "/admin/",
        "/admin/login/",
        "/v1/schema/",
        "/v1/batches",
        "/v1/nowhere",
    ):
        yield f"stranger {path}", stranger.get(path)
    yield "wrong host", stranger.get("/", headers={"Host": "evil.example"})
    yield "no csrf", Client(enforce_csrf_checks=True).post("/accounts/login/", {})
    yield "not allowed", own.post("/help/")
    yield "api", api.get(f"/v1/batches/{batch.pk}")
    yield "download", own.get(f"/v1/content/{essay.text_storage_id}")


def test_every_answer_has_the_headers_that_never_change(teacher: User) -> None:
    statuses = set()
    for kind, answer in kinds_of_answers(teacher):
        statuses.add(answer.status_code)
        content_type = answer.headers.get("Content-Type", "")
        is_part = content_type.startswith(PARTS)
        missing = {name for name in (FIXED_OF_PARTS if is_part else FIXED) if name not in answer.headers}
        assert not missing, (kind, answer.status_code, missing)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", kind
        if not is_part:
            expected = PAGES if content_type.startswith("text/html") else OTHERS
            assert answer.headers["Permissions-Policy"] == expected, kind
        answer.close()
    assert {200, 302, 400, 401, 403, 404, 405} <= statuses


def test_the_servers_own_refusals_have_them_too() -> None:
    headers, _body = refusal(413, "REQUEST_TOO_LARGE", b"")
    assert {name.decode() for name, _ in headers} >= set(FIXED)


@pytest.mark.parametrize(
    ("variables", "seconds", "subdomains", "preload"),
    [
        ({}, "0", "False", "False"),
        (SECURE, "31536000", "False", "False"),
        ({**SECURE, "HULEEDU_HSTS_SUBDOMAINS": "1"}, "31536000", "True", "False"),
        ({**SECURE, "HULEEDU_HSTS_SUBDOMAINS": "1", "HULEEDU_HSTS_PRELOAD": "1"}, "31536000", "True", "True"),
    ],
)
def test_other_hosts_are_bound_only_when_asked(
    variables: dict[str, str], seconds: str, subdomains: str, preload: str
) -> None:
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    done = told(f"*(getattr(settings, 'SECURE_HSTS_' + each) for each in {names})", **variables)
    assert done.stdout.split() == [seconds, subdomains, preload], done.stderr


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({**SECURE, "HULEEDU_HSTS_PRELOAD": "1"}, "HULEEDU_HSTS_SUBDOMAINS=1"),
        ({"HULEEDU_TRUSTED_PROXIES": "-1"}, "HULEEDU_TRUSTED_PROXIES"),
        ({"HULEEDU_PASSWORD_CHECKS": "0"}, "HULEEDU_PASSWORD_CHECKS"),
        ({"HULEEDU_PROCESS": "web", "HULEEDU_HOST": "192.0.2.1"}, "HULEEDU_PLAIN_HTTP=1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(variables: dict[str, str], word: str) -> None:
    done = told("''", **variables)
    assert done.returncode == 1
    assert word in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "", "192.168.1.5", "huleedu.school.example", "128.0.0.1"])
def test_plain_http_for_others_must_be_meant(host: str) -> None:
    complaint = complaint_about_plain_http(host, {})
    assert complaint is not None
    assert complaint.count(". ") == 0 and "HULEEDU_PLAIN_HTTP=1" in complaint
    for name in ("HULEEDU_PLAIN_HTTP", "HULEEDU_HTTPS", "HULEEDU_BEHIND_PROXY"):
        assert complaint_about_plain_http(host, {name: "1"}) is None
        assert complaint_about_plain_http(host, {name: "0"}) is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_this_machine_may_always_ask(host: str) -> None:
    assert is_loopback(host)
    assert complaint_about_plain_http(host, {}) is None


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HULEEDU_PLAIN_HTTP", "HULEEDU_HTTPS", "HULEEDU_BEHIND_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_make_run_refuses_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_said: None
) -> None:
    monkeypatch.setenv("HULEEDU_HOST", EVERYWHERE)
    monkeypatch.setenv("HULEEDU_VAR", str(tmp_path / "var"))
    assert run.main() == 2
    assert capsys.readouterr().out.count("\n") == 1
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-b", EVERYWHERE, "-p", "1"],
        [f"--bind={EVERYWHERE}"],
        ["-e", "tcp:port=1"],
        ["-e", f"tcp:port=1:interface={EVERYWHERE}"],
        ["-b", "127.0.0.1", "-e", r"tcp6:port=1:interface=\:\:"],
    ],
)
def test_the_web_server_refuses_whatever_way_it_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str], nothing_said: None
) -> None:
    with pytest.raises(SystemExit) as ended:
        server.refuse_plain_http(arguments)
    assert ended.value.code == os.EX_CONFIG
    assert "HULEEDU_PLAIN_HTTP=1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-b", "127.0.0.1"], [], ["-u", "/run/x"], ["-e", "tcp:port=1:interface=127.0.0.1"]]
)
def test_the_web_server_takes_what_stays_on_this_machine(arguments: list[str], nothing_said: None) -> None:
    server.refuse_plain_http(arguments)


def ask_for_token(**more: Any) -> Any:
    return APIClient().post(
        "/v1/auth/token", {"username": "teacher", "password": GOOD, **more}, format="json"
    )


def test_a_token_has_a_name_a_scope_and_an_end(teacher: User) -> None:
    body = checked(TokenAnswer, ask_for_token(name="Gradebook", scope="read", expires_in_days=7), 201)
    row = ApiToken.objects.get()
    assert (row.name, row.scope, body["name"], body["scope"]) == ("Gradebook", "read", "Gradebook", "read")
    assert abs(row.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    client = Client()
    client.force_login(teacher)
    assert "Gradebook" in client.get("/account/").content.decode()
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
    assert reader.get("/v1/batches").status_code == 200
    problem(reader.post("/v1/batches/register", {"expected_essay_count": 1}, format="json"), 403, "FORBIDDEN")


def test_a_token_without_wishes_is_as_before(teacher: User) -> None:
    checked(TokenAnswer, ask_for_token(), 201)
    row = ApiToken.objects.get()
    assert (row.name, row.scope) == ("API", "write")
    assert abs(row.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "wish",
    [
        *({"name": value} for value in ("", "x" * 81, 7, None)),
        *({"scope": value} for value in ("admin", "", None, ["read"])),
        *({"expires_in_days": value} for value in (0, 91, -1, 1.5, "7", None, True)),
        {"owner": "colleague"},
    ],
)
def test_wishes_that_cannot_be_met_are_named(teacher: User, wish: dict[str, Any]) -> None:
    body = problem(ask_for_token(**wish), 400, "INVALID")
    assert [error["path"] for error in body["errors"]] == list(wish)
    assert not ApiToken.objects.exists()


def test_the_account_page_asks_how_long(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    client.post("/account/", {"action": "create", "name": "short", "scope": "read", "days": "7"})
    ends = ApiToken.objects.get(name="short").expires_at
    assert abs(ends - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    for days in ("91", "0", "x"):
        client.post("/account/", {"action": "create", "name": "never", "days": days})
    assert not ApiToken.objects.filter(name="never").exists()
