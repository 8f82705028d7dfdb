"""Sessions: seen and ended by their owner alone, over when nobody is at work, noted now and then."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from huleedu.accounts.devices import device_in_words
from huleedu.accounts.life import create_account
from huleedu.accounts.sessions import public_name
from huleedu.models import Session

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing is looked at elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def sign_in(user: User, **more: str) -> Client:
    browser = Client(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="198.51.100.7")
    said = {"username": user.username, "password": PASSWORD, **more}
    assert browser.post("/accounts/login/", said).status_code == 302
    return browser


def pass_time(**time: float) -> None:
    """As if everything had happened earlier."""
    earlier = timedelta(**time)
    Session.objects.update(
        begun_at=F("begun_at") - earlier,
        seen_at=F("seen_at") - earlier,
        expire_date=F("expire_date") - earlier,
    )


@pytest.fixture
def browser(teacher: User) -> Client:
    """The teacher's own, in which she has just signed in."""
    return sign_in(teacher)


def status(browser: Client, path: str = "/", **more: Any) -> int:
    return browser.get(path, **more).status_code


def test_a_session_knows_where_it_is(teacher: User) -> None:
    page = sign_in(teacher).get("/account/").content.decode()
    assert "Firefox, Windows" in page
    assert "198.51.100.7" in page
    assert Session.objects.get().session_key not in page


def test_she_ends_one_and_all_others(teacher: User) -> None:
    first, second, here = sign_in(teacher), sign_in(teacher), sign_in(teacher)
    key = first.cookies[settings.SESSION_COOKIE_NAME].value
    said = {"action": "end-session", "session": public_name(key)}
    assert here.post("/account/", said).status_code == 303
    assert [status(browser) for browser in (first, second, here)] == [302, 200, 200]
    here.post("/account/", {"action": "end-sessions"})
    assert [status(browser) for browser in (second, here)] == [302, 200]


def test_nobody_ends_a_colleagues_session(teacher: User, colleague: User) -> None:
    hers, other = sign_in(teacher), sign_in(colleague)
    name = public_name(hers.cookies[settings.SESSION_COOKIE_NAME].value)
    other.post("/account/", {"action": "end-session", "session": name})
    other.post("/account/", {"action": "end-sessions"})
    assert status(hers) == 200


def test_two_idle_hours_end_a_session(browser: Client) -> None:
    for _ in range(5):
        pass_time(hours=1.9)
        assert status(browser) == 200
    pass_time(hours=2)
    assert status(browser) == 302


def test_twelve_hours_end_it_whatever_is_done(browser: Client) -> None:
    for _ in range(11):
        pass_time(hours=1)
        assert status(browser) == 200
    pass_time(minutes=59)
    assert status(browser) == 200
    pass_time(minutes=1)
    assert status(browser) == 302


def test_what_a_page_does_by_itself_is_no_work(browser: Client) -> None:
    pass_time(hours=1.5)
    assert status(browser, "/v1/batches") == 200
    assert status(browser, "/", headers={"HX-Request": "true"}) == 200
    pass_time(hours=0.5)
    assert status(browser) == 302


def test_a_shared_computer_stays_one_at_the_admins_sign_in(db: None) -> None:
    """That page does not ask."""
    support = create_account("support", "helper", PASSWORD)
    browser = sign_in(support, shared="on")
    said = {"username": support.username, "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", said).headers["Location"] == "/admin/"
    assert [session.shared for session in Session.objects.filter(user=support)] == [True]
    browser.post("/accounts/logout/")
    sign_in(support)
    assert sorted(session.shared for session in Session.objects.filter(user=support)) == [False]


def test_a_shared_computer_remembers_nothing_and_ends_soon(teacher: User) -> None:
    browser = sign_in(teacher, shared="on")
    assert settings.DEVICE_COOKIE_NAME not in browser.cookies
    assert browser.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == ""
    assert browser.cookies[settings.SESSION_COOKIE_NAME]["expires"] == ""
    assert "shared computer" in browser.get("/account/").content.decode()
    pass_time(minutes=14)
    assert status(browser) == 200
    pass_time(minutes=14)
    assert status(browser) == 200
    pass_time(minutes=15)
    assert status(browser) == 302


def test_an_own_computer_is_remembered(browser: Client) -> None:
    assert settings.DEVICE_COOKIE_NAME in browser.cookies
    assert browser.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 12 * 60 * 60


def test_a_page_writes_nothing_of_the_session(browser: Client) -> None:
    status(browser)
    with CaptureQueriesContext(connection) as captured:
        status(browser)
    assert not [query for query in captured.captured_queries if "UPDATE" in query["sql"]]
    pass_time(minutes=6)
    with CaptureQueriesContext(connection) as captured:
        status(browser)
    assert len([query for query in captured.captured_queries if "UPDATE" in query["sql"]]) == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537 Chrome/130 Safari/537 Edg/130", "Edge, Linux"),
        ("curl/8", ""),
    ],
)
def test_devices_are_called_as_their_owners_call_them(agent: str, words: str) -> None:
    assert device_in_words(agent) == words
