"""The mail server as it is written, and mistakes in it."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest import MonkeyPatch

from huleedu.machine.mail_settings import mail_server


def test_without_a_server_there_is_no_mail(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert mail_server() == {}


@pytest.mark.parametrize(
    ("written", "port", "starttls", "tls"),
    [
        ("smtp://mail.school.se", 587, True, False),
        ("smtps://mail.school.se", 465, False, True),
        ("smtp+plain://mail.school.se:2525", 2525, False, False),
    ],
)
def test_the_scheme_says_how(
    monkeypatch: MonkeyPatch, written: str, port: int, starttls: bool, tls: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", written)
    monkeypatch.setenv("EMAIL_FROM", "huleedu@school.se")
    found = mail_server()
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, starttls, tls)


def test_a_password_may_hold_anything(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://us%40er:p%3Aw%2F@mail.school.se")
    monkeypatch.setenv("EMAIL_FROM", "huleedu@school.se")
    found = mail_server()
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("us@er", "p:w/")


@pytest.mark.parametrize(
    ("written", "sender", "name"),
    [
        ("mail.school.se", "huleedu@school.se", "EMAIL_URL"),
        ("http://user:hush@mail.school.se", "huleedu@school.se", "EMAIL_URL"),
        ("smtp://user:hush@mail.school.se", "", "EMAIL_FROM"),
    ],
)
def test_a_mistake_names_the_variable_and_no_password(
    monkeypatch: MonkeyPatch, written: str, sender: str, name: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", written)
    monkeypatch.setenv("EMAIL_FROM", sender)
    with pytest.raises(ImproperlyConfigured, match=name) as told:
        mail_server()
    assert "hush" not in str(told.value)
