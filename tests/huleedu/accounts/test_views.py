"""Signing in and out, tokens, and the pages shown when something fails."""

import errno
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse
from lxml import html
from PIL import Image

from huleedu.accounts import views
from huleedu.accounts.authentication import find_token, make_token
from huleedu.api.throttle import Throttle
from huleedu.models import ApiToken

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def no_tries_yet() -> Iterator[None]:
    """Each test counts its own tries."""
    cache.clear()
    yield
    cache.clear()


def sign_in(client: Client, password: str, username: str = "teacher", address: str = "10.0.0.1") -> int:
    said = {"username": username, "password": password}
    return client.post(reverse("login"), said, REMOTE_ADDR=address).status_code


def test_signing_in_leads_to_where_one_wanted(client: Client, teacher: User) -> None:
    wanted = reverse("batch-new")
    said = {"username": "teacher", "password": PASSWORD, "next": wanted}
    assert client.post(reverse("login"), said).headers["Location"] == wanted
    assert client.get(reverse("login")).headers["Location"] == reverse("overview")


def test_signing_in_never_leads_to_another_site(client: Client, teacher: User) -> None:
    said = {"username": "teacher", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(reverse("login"), said).headers["Location"] == reverse("overview")


def test_a_wrong_password_is_said_without_telling_which(client: Client, teacher: User) -> None:
    pages = [
        client.post(
            reverse("login"), {"username": name, "password": "wrong"}, headers={"Accept-Language": "en"}
        )
        for name in ("teacher", "nobody")
    ]
    assert [page.status_code for page in pages] == [200, 200]
    assert all("user name or the password is not right" in page.content.decode() for page in pages)


def test_the_eleventh_try_in_five_minutes_is_refused(client: Client, teacher: User) -> None:
    assert [sign_in(client, "wrong") for _ in range(10)] == [200] * 10
    assert sign_in(client, PASSWORD) == 429
    assert sign_in(client, PASSWORD, username="TEACHER") == 429
    assert "_auth_user_id" not in client.session
    assert sign_in(Client(), PASSWORD, address="10.0.0.2") == 302


def test_a_success_forgets_the_tries(client: Client, teacher: User) -> None:
    for _ in range(9):
        sign_in(client, "wrong")
    assert sign_in(client, PASSWORD) == 302
    assert sign_in(Client(), "wrong") == 200
    assert sign_in(Client(), PASSWORD) == 302


def test_tries_are_forgotten_in_time() -> None:
    throttle = Throttle("test", limit=1, seconds=0)
    assert throttle.allows("a") and throttle.allows("a")
    throttle = Throttle("test", limit=1, seconds=60)
    assert throttle.allows("a") and not throttle.allows("a") and throttle.allows("b")


def test_closed_accounts_stay_out(client: Client, teacher: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client, PASSWORD) == 200
    assert "_auth_user_id" not in client.session


def test_signing_out_is_by_post_only(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    assert client.get(reverse("logout")).status_code == 405
    assert client.get(reverse("overview")).status_code == 200
    assert client.post(reverse("logout")).status_code == 302
    assert client.get(reverse("overview")).status_code == 302


@pytest.mark.parametrize("name", ["account", "batch-new"])
def test_pages_need_signing_in(client: Client, teacher: User, name: str) -> None:
    assert client.get(reverse(name)).headers["Location"].startswith(reverse("login"))
    client.force_login(teacher)
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("language", ["en", "sv", "de"])
def test_help_shows_pictures_in_the_readers_language(client: Client, db: None, language: str) -> None:
    page = html.fromstring(client.get(reverse("help"), headers={"Accept-Language": language}).content)
    pictures = page.xpath("//main//img")
    shown = language if language == "sv" else "en"
    names = [picture.get("src").rsplit("/", 1)[1] for picture in pictures]
    assert names == [f"{name}-{shown}.png" for name in ("batch", "essay", "results")]
    for picture, name in zip(pictures, names, strict=True):
        path = finders.find(f"huleedu/help/{name}")
        assert path and Path(path).stat().st_size < 100_000, name
        with Image.open(path) as found:
            assert found.size == (int(picture.get("width")), int(picture.get("height"))), name
        assert len(picture.get("alt")) > 30


def test_help_is_for_those_who_cannot_sign_in_too(client: Client, db: None) -> None:
    assert client.get(reverse("help")).status_code == 200


def test_support_staff_may_use_the_pages(client: Client) -> None:
    client.force_login(User.objects.create_user("support", is_staff=True))
    assert client.get(reverse("overview")).status_code == 200


def test_a_new_token_is_shown_once_and_works(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    said = {"action": "create", "name": "Gradebook", "scope": "read"}
    response = client.post(reverse("account"), said)
    secret = response.context["new_token"]
    assert secret in response.content.decode()
    token = find_token(secret)
    assert token is not None and (token.owner, token.name, token.scope) == (teacher, "Gradebook", "read")
    later = client.get(reverse("account"))
    assert secret not in later.content.decode()
    assert "Gradebook" in later.content.decode()


@pytest.mark.parametrize("said", [{"name": ""}, {"name": "x" * 81}, {"name": "x", "scope": "admin"}])
def test_a_token_needs_a_name_and_a_known_scope(client: Client, teacher: User, said: dict[str, str]) -> None:
    client.force_login(teacher)
    page = client.post(reverse("account"), {"action": "create", **said}, headers={"Accept-Language": "en"})
    assert "Give the token a name" in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_by_its_owner_only(client: Client, teacher: User, colleague: User) -> None:
    made = make_token(teacher, "Gradebook")
    revoke = {"action": "revoke", "token": made.row.pk}
    client.force_login(colleague)
    client.post(reverse("account"), revoke)
    assert find_token(made.secret) is not None
    assert "Gradebook" not in client.get(reverse("account")).content.decode()
    client.force_login(teacher)
    assert client.post(reverse("account"), revoke).status_code == 303
    assert find_token(made.secret) is None
    assert list(client.get(reverse("account")).context["tokens"]) == []


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "9" * 30])
def test_revoking_what_is_no_token_changes_nothing(client: Client, teacher: User, number: str) -> None:
    client.force_login(teacher)
    assert client.post(reverse("account"), {"action": "revoke", "token": number}).status_code == 303


def test_a_missing_page_has_a_way_back(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    response = client.get(f"/batches/{uuid4()}/nothing/")
    assert response.status_code == 404
    assert 'href="/"' in response.content.decode()


def test_api_clients_get_problems_instead_of_pages(client: Client) -> None:
    response = client.get("/v1/nothing/")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "NOT_FOUND"
    assert response.json()["correlation_id"] == response.headers["X-Correlation-ID"]


def test_our_own_failures_need_neither_database_nor_session() -> None:
    request = RequestFactory().get("/")
    assert views.server_error(request).status_code == 500
    try:
        raise OperationalError("the database is away")
    except OperationalError:
        response = views.server_error(request)
    assert response.status_code == 503
    assert "the database is away" not in response.content.decode()
    try:
        raise OSError(errno.ENOSPC, "no space")
    except OSError:
        assert views.server_error(request).status_code == 507
    assert views.bad_request(request, ValueError("x")).status_code == 400


@pytest.mark.parametrize("wanted", ["/accounts/login/", "/accounts/login/?next=/"], ids=["itself", "again"])
def test_who_is_signed_in_is_never_led_in_a_circle(client: Client, teacher: User, wanted: str) -> None:
    client.force_login(teacher)
    assert client.get(reverse("login"), {"next": wanted}).headers["Location"] == reverse("overview")


def test_a_session_that_ends_while_it_is_answered_leads_to_signing_in(teacher: User) -> None:
    request = RequestFactory().get("/account/")
    ended = SessionInterrupted("The session was deleted.")
    assert views.bad_request(request, ended).headers["Location"] == "/accounts/login/?next=/account/"
    called = RequestFactory().get("/v1/batches")
    assert views.bad_request(called, ended).status_code == 401
    told = RequestFactory().post("/account/")
    assert views.bad_request(told, ended).headers["Location"] == "/accounts/login/"


def test_the_admins_sign_out_clears_what_the_browser_kept(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    answer = client.post("/admin/logout/")
    assert "cache" in answer.headers["Clear-Site-Data"]
    assert client.get("/").status_code == 302
