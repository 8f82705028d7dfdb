"""Requests with a teacher's cookies from a page of another port or scheme of the same host change nothing."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from batches.models import Batch

pytestmark = pytest.mark.django_db
OTHERS = [
    "http://testserver:8001",
    "https://testserver",
    "http://testserver:443",
    "http://testserver.",
    "http://sub.testserver",
    "null",
]


@pytest.fixture
def browser(teacher: User) -> Client:
    """The teacher's browser: it sends her cookies, and a token that a neighbour could have planted."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(teacher)
    client.get("/batches/new/")
    return client


def planted(browser: Client, settings: Settings) -> str:
    """What the page of another port knows when it has set the CSRF cookie itself."""
    return browser.cookies[settings.CSRF_COOKIE_NAME].value


def register(browser: Client, settings: Settings, origin: str) -> Any:
    return browser.post(
        "/v1/batches/register",
        json.dumps({"expected_essay_count": 2, "language": "en"}),
        content_type="application/json",
        headers={"X-CSRFToken": planted(browser, settings), "Origin": origin},
    )


def fill_in(browser: Client, settings: Settings, origin: str) -> Any:
    form = {"expected_essay_count": 2, "language": "en", "csrfmiddlewaretoken": planted(browser, settings)}
    return browser.post("/batches/new/", form, headers={"Origin": origin})


@pytest.mark.parametrize("send", [register, fill_in])
@pytest.mark.parametrize("origin", OTHERS)
def test_from_elsewhere(browser: Client, settings: Settings, origin: str, send: Any) -> None:
    assert send(browser, settings, origin).status_code == 403
    assert not Batch.objects.exists()


@pytest.mark.parametrize("send", [register, fill_in])
def test_from_here(browser: Client, settings: Settings, send: Any) -> None:
    assert send(browser, settings, "http://testserver").status_code in {201, 302, 303}
    assert Batch.objects.count() == 1


@pytest.mark.parametrize("path", ["/", "/v1/batches", "/batches/new/"])
def test_what_is_personal_is_no_part_of_others_pages(browser: Client, path: str) -> None:
    answer = browser.get(path, headers={"Origin": "http://testserver:8001"})
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("path", ["/accounts/login/", "/i18n/setlang/"])
def test_nobody_is_sent_to_another_port(browser: Client, settings: Settings, path: str) -> None:
    form = {"next": "http://testserver:8001/", "language": "sv", "username": "teacher"}
    form |= {"password": "correct horse battery", "csrfmiddlewaretoken": planted(browser, settings)}
    answer = browser.post(path, form, headers={"Origin": "http://testserver"})
    assert answer.status_code in {204, 302}
    assert "8001" not in answer.headers.get("Location", "")
