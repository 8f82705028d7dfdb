"""A changed password ends everything that the former one has opened, whoever changes it."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest import MonkeyPatch
from rest_framework.test import APIClient

from huleedu.accounts import life as accounts
from huleedu.accounts.authentication import make_token
from huleedu.accounts.forms import TokenForm
from huleedu.accounts.passwords import GuardedBackend
from huleedu.models import ApiToken

pytestmark = pytest.mark.django_db
OLD, NEW = "correct horse battery", "staple battery horse"
Way = Callable[[User, MonkeyPatch], None]


def herself(user: User, _: MonkeyPatch) -> None:
    browser = Client()
    browser.force_login(user)
    form = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert browser.post("/account/password/", form).status_code == 303
    assert browser.get("/account/").status_code == 200  # this session goes on


def the_command(user: User, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", user.username, stdout=io.StringIO())


def anything(user: User, _: MonkeyPatch) -> None:
    user.set_password(NEW)
    user.save()


@pytest.mark.parametrize("way", [herself, the_command, anything])
def test_a_changed_password_ends_sessions_and_tokens(
    teacher: User, monkeypatch: MonkeyPatch, way: Way
) -> None:
    browser = Client()
    browser.force_login(teacher)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {make_token(teacher, 'script').secret}")
    assert client.get("/v1/batches").status_code == 200
    way(teacher, monkeypatch)
    assert client.get("/v1/batches").status_code == 401
    assert browser.get("/account/").status_code == 302


def test_a_hash_made_anew_for_the_same_password_ends_nothing(teacher: User) -> None:
    token = make_token(teacher, "script")
    teacher.password = PBKDF2PasswordHasher().encode(OLD, "salt" * 6, 1000)
    teacher.save()
    assert teacher.check_password(OLD)  # with more iterations from now on
    assert teacher.password.split("$")[1] != "1000"
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token.secret}").get("/v1/batches").status_code == 200


def close(user: User) -> None:
    accounts.close(user)


def change(user: User) -> None:
    changed = User.objects.get(pk=user.pk)
    changed.set_password(NEW)
    changed.save()


@pytest.mark.parametrize("end", [close, change])
def test_a_password_that_ended_while_it_was_looked_at_makes_no_token(
    teacher: User, monkeypatch: MonkeyPatch, end: Callable[[User], None]
) -> None:
    right = GuardedBackend.authenticate

    def meanwhile(*arguments: Any, **named: Any) -> User | None:
        found = right(*arguments, **named)
        end(teacher)
        return found

    monkeypatch.setattr(GuardedBackend, "authenticate", meanwhile)
    said = {"username": "teacher", "password": OLD, "name": "race"}
    answer = APIClient().post("/v1/auth/token", said, format="json")
    assert (answer.status_code, answer.json()["code"]) == (401, "WRONG_CREDENTIALS")
    assert not ApiToken.objects.filter(owner=teacher).exists()


def test_a_page_of_a_session_that_ended_meanwhile_makes_no_token(
    client: Client, teacher: User, monkeypatch: MonkeyPatch
) -> None:
    client.force_login(teacher)
    valid = TokenForm.is_valid

    def meanwhile(form: TokenForm) -> bool:
        change(teacher)
        return valid(form)

    monkeypatch.setattr(TokenForm, "is_valid", meanwhile)
    answer = client.post("/account/", {"action": "create", "name": "race"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/")
    assert not ApiToken.objects.filter(owner=teacher).exists()
