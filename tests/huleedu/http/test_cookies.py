"""Cookies are strict, and signing out clears what the browser kept."""

from collections.abc import Iterator

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.contrib.messages import constants
from django.contrib.messages.storage import default_storage
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"
SECURE = {"HULEEDU_HTTPS": "1"}
COOKIES = ("SESSION", "CSRF", "LANGUAGE", "MESSAGE", "DEVICE")


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
