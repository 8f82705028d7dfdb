"""What is forgotten between a proxy and HuleEdu is told by the setting's name, and nothing is given away."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from huleedu.answers import proxy_mistakes
from huleedu.machine import own_hosts
from huleedu.web import secure
from tests.log_capture import captured_logs, lines_of

pytestmark = pytest.mark.django_db
SWEDISH = {"Accept-Language": "sv"}
VISIBLE = ("HULEEDU_", "proxy_set_header")


@pytest.fixture(autouse=True)
def nothing_told_yet() -> Iterator[None]:
    proxy_mistakes.TOLD.forget()
    yield
    proxy_mistakes.TOLD.forget()


@pytest.fixture
def https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.HTTPS = True


def test_an_unknown_host_is_told_by_the_setting_and_repeated_nowhere(client: Client) -> None:
    with captured_logs() as text:
        answer = client.get("/", headers={"Host": "stranger.example"})
        client.get("/", headers={"Host": "stranger.example"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "HULEEDU_ALLOWED_HOSTS" in page
    assert "browser sent" not in page
    assert "stranger.example" not in page
    assert answer.headers["Cache-Control"] == "no-store"
    told = lines_of(text, "proxy.mistake")
    assert len(told) == 1, "once in a while, however often strangers ask"
    assert "HULEEDU_ALLOWED_HOSTS" in told[0]["settings"]
    assert "stranger.example" not in text.getvalue()


def test_the_page_is_in_the_language_of_the_browser(client: Client) -> None:
    page = client.get("/", headers={"Host": "stranger.example", **SWEDISH}).content.decode()
    assert '<html lang="sv">' in page
    assert "HuleEdu är inte inställt för den här adressen" in page


def test_api_clients_get_a_problem(client: Client) -> None:
    answer = client.get("/v1/limits", headers={"Host": "stranger.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MISCONFIGURED")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"X-Forwarded-Proto": "https"}, "HULEEDU_BEHIND_PROXY=1"),
        ({"X-Forwarded-For": "192.0.2.7"}, "HULEEDU_BEHIND_PROXY=1"),
        ({"Cookie": f"{secure.SEEN_COOKIE}=1"}, "HULEEDU_BEHIND_PROXY=1"),
    ],
)
def test_a_redirect_in_circles_ends(client: Client, https: None, told: dict[str, str], named: str) -> None:
    answer = client.get("/accounts/login/", headers=told)
    assert answer.status_code == 500
    assert named in answer.content.decode()


def test_a_first_redirect_goes_to_https_and_is_not_kept(client: Client, https: None) -> None:
    answer = client.get("/accounts/login/?next=/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/accounts/login/?next=/")
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = answer.cookies[secure.SEEN_COOKIE]
    assert cookie["secure"], "a browser on plain http never keeps it, so it proves https"
    assert client.get("/accounts/login/").status_code == 500


def test_behind_a_proxy_that_does_not_tell_the_scheme(
    client: Client, https: None, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True
    page = client.get("/", headers={"X-Forwarded-For": "192.0.2.7"})
    assert page.status_code == 500
    assert "X-Forwarded-Proto" in page.content.decode()
    assert "HULEEDU_BEHIND_PROXY" not in page.content.decode()


def test_behind_a_proxy_that_tells_http_is_redirected(
    client: Client, https: None, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True
    assert client.get("/", headers={"X-Forwarded-Proto": "http"}).status_code == 301


def sign_in(origin: str, **told: str) -> Any:
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    return client.post(
        "/accounts/login/", {"username": "teacher", "password": "x"}, headers={"Origin": origin, **told}
    )


def test_https_that_huleedu_does_not_know_of(teacher: User) -> None:
    answer = sign_in("https://testserver")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "HULEEDU_BEHIND_PROXY=1" in page
    assert "HULEEDU_HTTPS=1" in page
    assert "open too long" not in page


def test_a_proxy_that_does_not_pass_the_host_on(teacher: User) -> None:
    told = {"Host": "127.0.0.1:8000", "X-Forwarded-For": "192.0.2.7"}
    page = sign_in("https://huleedu.school.example", **told).content.decode()
    assert "proxy_set_header Host" in page
    assert "school.example" not in page


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:8001", "https://"])
def test_a_foreign_page_learns_of_no_setting(teacher: User, origin: str) -> None:
    answer = sign_in(origin)
    assert answer.status_code == 403
    assert not any(word in answer.content.decode() for word in VISIBLE)


@pytest.mark.parametrize(
    ("hostname", "names"),
    [
        ("Skolan.example.", ["skolan.example", "skolan", "skolan.local"]),
        ("server-1", ["server-1", "server-1.local"]),
        ("192.0.2.7", []),
        ("under_score", []),
        ("", []),
    ],
)
def test_a_machine_knows_its_names(hostname: str, names: list[str]) -> None:
    assert own_hosts.names_of(hostname) == names


def test_a_machine_knows_its_addresses() -> None:
    found = own_hosts.addresses()
    assert "127.0.0.1" in found
    assert not any("%" in each for each in found)
    assert own_hosts.as_host("2001:db8::1") == "[2001:db8::1]"
