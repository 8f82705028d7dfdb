"""A teacher deletes her own account: with her password alone, and not for good while the bin's time lasts."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from huleedu.accounts import closing
from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import create_account, reopen
from huleedu.erasure import Erasure
from huleedu.security_events import SecurityEvent
from tests.rows import make_batch

pytestmark = pytest.mark.django_db
PASSWORD, PAGE = "correct horse battery", "/account/delete/"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing is looked at elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def hers(client: Client, teacher: User) -> Client:
    """The teacher's browser."""
    client.force_login(teacher)
    return client


def erasures_of(user: User) -> int:
    return Erasure.objects.open().filter(kind="account", owner_id=user.pk).count()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["2 batches with their files, texts and marks are erased for good in 30 days", "handed over"]),
        (
            "sv",
            ["2 omgångar med deras filer, texter och", "för gott om 30 dagar", "överlämn"],
        ),
    ],
)
def test_the_page_says_what_will_happen(hers: Client, teacher: User, language: str, words: list[str]) -> None:
    make_batch(teacher)
    make_batch(teacher)
    page = hers.get(PAGE, headers={"Accept-Language": language}).content.decode()
    assert all(word in page for word in words)
    assert PAGE in hers.get("/account/").content.decode()


def test_her_password_closes_it_everywhere_and_asks_for_its_erasure(hers: Client, teacher: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(teacher)
    program = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_token(teacher, 'script').secret}")
    answer = hers.post(PAGE, {"password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/accounts/login/")
    assert "cache" in answer.headers["Clear-Site-Data"]
    assert "erased in 30 days" in hers.get("/accounts/login/").content.decode()
    assert [hers.get("/").status_code, elsewhere.get("/").status_code] == [302, 302]
    assert program.get("/v1/batches").status_code == 401
    said = {"username": "teacher", "password": PASSWORD}
    assert Client().post("/accounts/login/", said).status_code == 200
    assert erasures_of(teacher) == 1
    told = SecurityEvent.objects.get(kind="account_deleted")
    assert (told.actor_id, told.account_id) == (teacher.pk, teacher.pk)


@pytest.mark.parametrize("form", [{}, {"password": ""}, {"password": "wrong"}, {"name": "teacher"}], ids=str)
def test_without_the_password_nothing_happens(hers: Client, teacher: User, form: dict[str, str]) -> None:
    assert hers.post(PAGE, form).status_code == 200
    assert hers.get("/").status_code == 200
    assert not erasures_of(teacher)


def test_wrong_passwords_are_counted_here_as_well(hers: Client, teacher: User) -> None:
    statuses = [hers.post(PAGE, {"password": "wrong"}).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert hers.post(PAGE, {"password": PASSWORD}).status_code == 429
    assert not erasures_of(teacher)


def test_who_has_no_password_writes_her_name(client: Client) -> None:
    comer = create_account("teacher", "alma", None)
    client.force_login(comer)
    assert client.post(PAGE, {"name": "bo", "password": PASSWORD}).status_code == 200
    assert not erasures_of(comer)
    assert client.post(PAGE, {"name": "alma"}).status_code == 303
    assert erasures_of(comer) == 1


def test_strangers_are_led_to_signing_in(client: Client) -> None:
    assert client.post(PAGE, {"password": PASSWORD}).headers["Location"].startswith("/accounts/login/")


def test_an_administrator_deletes_and_takes_it_back(client: Client, teacher: User) -> None:
    client.force_login(create_account("administrator", "chief", PASSWORD))
    page = f"/admin/auth/user/{teacher.pk}/"
    assert "erase it in 30 days" in client.get(f"{page}change/").content.decode()
    client.post(f"{page}do/delete/")
    teacher.refresh_from_db()
    assert (teacher.is_active, erasures_of(teacher)) == (False, 1)
    shown = client.get(f"{page}change/").context["deeds"]
    assert "keep" in shown
    assert not shown.keys() & {"delete", "reopen", "close", "link"}
    client.post(f"{page}do/reopen/")
    teacher.refresh_from_db()
    assert not teacher.is_active
    client.post(f"{page}do/keep/")
    teacher.refresh_from_db()
    assert (teacher.is_active, erasures_of(teacher)) == (True, 0)


def test_an_account_that_is_being_deleted_is_not_just_opened(teacher: User) -> None:
    closing.delete_account(teacher)
    with pytest.raises(ValidationError, match="being deleted"):
        reopen(teacher)
    closing.keep_account(teacher)
    assert User.objects.get(pk=teacher.pk).is_active
