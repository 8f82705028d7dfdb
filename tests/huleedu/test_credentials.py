"""A changed password ends everything that the former one has opened, whoever changes it."""

import io
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest import MonkeyPatch
from rest_framework.test import APIClient

from huleedu.authentication import make_token

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
