"""The second factor: codes are right once, counted at every door, and needed by who sees others' things."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from lxml import html
from pytest_django import Settings
from rest_framework.test import APIClient

from huleedu.accounts import life as accounts
from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import close, create_account, make_link
from huleedu.security_events import SecurityEvent

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing is looked at elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def guarded(teacher: User) -> User:
    """A teacher with an app and recovery codes."""
    TOTP.activate(teacher, SECRET)
    RecoveryCodes.activate(teacher)
    return teacher


@pytest.fixture
def strict(settings: Settings) -> None:
    """An installation that is no trial."""
    settings.STAFF_NEEDS_FACTOR = True


def code_now(later: int = 0) -> str:
    """What the app shows ``later`` half minutes from now."""
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + later))


def give_password(client: Client, name: str = "teacher") -> Any:
    return client.post("/accounts/login/", {"username": name, "password": PASSWORD, "next": "/help/"})


def give_code(client: Client, code: str) -> Any:
    return client.post("/accounts/login/factor/", {"code": code})


def test_a_password_alone_opens_nothing(client: Client, guarded: User) -> None:
    assert give_password(client).headers["Location"] == "/accounts/login/factor/"
    assert client.get("/").status_code == 302
    assert client.get("/v1/batches").status_code in {401, 403}
    assert give_code(client, code_now()).headers["Location"] == "/help/"
    assert client.get("/").status_code == 200


def test_nobody_is_asked_for_a_passkey_that_was_never_made(client: Client, guarded: User) -> None:
    give_password(client)
    page = client.get("/accounts/login/factor/").content.decode()
    assert "Code of the app" in page and "Use a passkey" not in page


def test_the_admin_asks_as_well(client: Client, strict: None) -> None:
    helper = create_account("support", "helper", PASSWORD)
    TOTP.activate(helper, SECRET)
    given = client.post("/admin/login/", {"username": "helper", "password": PASSWORD, "next": "/admin/"})
    assert given.headers["Location"] == "/accounts/login/factor/"
    assert client.get("/admin/").status_code == 302
    assert give_code(client, code_now()).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_is_taken_once_and_none_before_it(guarded: User) -> None:
    for code, status in ((code_now(), 302), (code_now(), 200), (code_now(-1), 200), (code_now(1), 302)):
        browser = Client()
        give_password(browser)
        assert give_code(browser, code).status_code == status


def test_a_recovery_code_is_taken_once(guarded: User) -> None:
    code = RecoveryCodes.activate(guarded).get_unused_codes()[0]
    for status in (302, 200):
        browser = Client()
        give_password(browser)
        assert give_code(browser, code).status_code == status


def test_codes_are_counted_and_right_passwords_forgive_none(guarded: User) -> None:
    statuses = []
    for _ in range(12):
        browser = Client()
        assert give_password(browser).status_code == 302
        statuses.append(give_code(browser, "000000").status_code)
    assert statuses == [200] * 10 + [429] * 2
    waiting = Client()
    give_password(waiting)
    refused = give_code(waiting, code_now())
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 15


def test_a_token_needs_the_code_too(guarded: User) -> None:
    def ask(**more: str) -> Any:
        said = {"username": "teacher", "password": PASSWORD, **more}
        return APIClient().post("/v1/auth/token", said, format="json")

    assert (ask().status_code, ask().json()["code"]) == (401, "CODE_NEEDED")
    assert ask(code="000000").status_code == 401
    code = code_now()
    assert ask(code=code).status_code == 201
    assert ask(code=code).status_code == 401


def test_secrets_are_sealed_in_the_database(guarded: User) -> None:
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in kept
    assert RecoveryCodes.activate(guarded).generate_codes()[0] not in kept


@pytest.mark.parametrize("path", ["/", "/admin/", "/account/", "/account/password/", "/batches/new/"])
def test_support_without_a_factor_reaches_setting_one_up_only(
    client: Client, strict: None, path: str
) -> None:
    client.force_login(create_account("support", "helper", PASSWORD))
    assert client.get(path).headers["Location"] == "/account/factors/"
    page = client.get("/account/factors/")
    assert page.status_code == 200
    assert "/account/factors/app/" in page.content.decode()


def test_support_without_a_factor_has_no_api(client: Client, strict: None) -> None:
    helper = create_account("support", "helper", PASSWORD)
    client.force_login(helper)
    answer = client.get("/v1/batches")
    assert (answer.status_code, answer.json()["code"]) == (403, "FACTOR_NEEDED")
    bearer = f"Bearer {make_token(helper, 'script').secret}"
    assert APIClient(HTTP_AUTHORIZATION=bearer).get("/v1/batches").status_code == 403
    said = {"username": "helper", "password": PASSWORD}
    assert APIClient().post("/v1/auth/token", said, format="json").json()["code"] == "FACTOR_NEEDED"


@pytest.mark.django_db(transaction=True)
def test_the_first_sign_in_leads_to_a_factor_and_then_everywhere(client: Client, strict: None) -> None:
    helper = create_account("support", "helper", PASSWORD)
    elsewhere = Client()
    elsewhere.force_login(helper)
    give_password(client, "helper")
    assert client.get("/admin/").headers["Location"] == "/account/factors/"
    page = client.get("/account/factors/app/")
    secret = page.context["form"].secret
    assert page.context["totp_svg_data_uri"].startswith("data:image/svg+xml;base64,")
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    done = client.post("/account/factors/app/", {"code": code})
    assert done.headers["Location"] == "/account/factors/codes/"
    another = Client()
    give_password(another, "helper")
    assert give_code(another, code).status_code == 200  # it is used
    assert len(client.get("/account/factors/codes/").context["unused_codes"]) == 10
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/account/factors/").status_code == 302  # a session from before ended


def test_support_cannot_remove_the_last_factor(client: Client, strict: None) -> None:
    helper = create_account("support", "helper", PASSWORD)
    passkey = Authenticator.objects.create(
        user=helper, type="webauthn", data={"name": "key", "credential": {}}
    )
    give_password(client, "helper")
    client.force_login(helper)
    answer = client.post(f"/account/factors/passkeys/{passkey.pk}/remove/")
    assert answer.status_code == 303
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


def test_a_stranger_cannot_remove_a_passkey(client: Client, teacher: User, colleague: User) -> None:
    passkey = Authenticator.objects.create(
        user=teacher, type="webauthn", data={"name": "key", "credential": {}}
    )
    client.post("/accounts/login/", {"username": "colleague", "password": PASSWORD})
    assert client.post(f"/account/factors/passkeys/{passkey.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


def test_removing_asks_for_the_password_once_more(client: Client, guarded: User) -> None:
    client.force_login(guarded)
    answer = client.post("/account/factors/app/remove/")
    assert answer.headers["Location"].startswith("/account/again/")
    again = client.post(answer.headers["Location"], {"password": "wrong"})
    assert again.status_code == 200
    assert Authenticator.objects.filter(user=guarded, type="totp").exists()
    client.post(answer.headers["Location"], {"password": PASSWORD})
    client.post("/account/factors/app/remove/")
    assert not Authenticator.objects.filter(user=guarded).exists()


@pytest.mark.parametrize("page", ["app/", "passkeys/add/"])
def test_who_signed_in_long_ago_is_asked_for_the_password_once_more(teacher: User, page: str) -> None:
    browser = Client()
    browser.force_login(teacher)
    answer = browser.get(f"/account/factors/{page}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/again/")


def test_new_codes_are_for_who_has_a_factor(client: Client, guarded: User) -> None:
    other = create_account("teacher", "other", PASSWORD)
    address = "/account/factors/codes/anew/"
    client.force_login(guarded)
    assert client.get(address).headers["Location"].startswith("/account/again/")
    client.force_login(other)
    for answer in (client.get(address), client.post(address)):
        assert answer.headers["Location"] == "/account/factors/"
    assert not Authenticator.objects.filter(user=other).exists()


def test_forms_for_a_password_tell_a_password_manager_whose_it_is(client: Client, teacher: User) -> None:
    secret, _ends = make_link(teacher)
    opened = client.get(f"/accounts/link/{secret}/", follow=True)
    client.force_login(teacher)
    for answer in (opened, client.get("/account/password/"), client.get("/account/again/")):
        page = html.fromstring(answer.content)
        names = page.xpath("//main//form//input[@autocomplete='username']/@value")
        assert names == [teacher.get_username()]
        assert not page.xpath("//main//input[@placeholder]")  # it would repeat the label


def fields_of(answer: Any) -> tuple[list[str], list[str]]:
    """What the seen fields of the page's form tell a browser to fill in, and which of them have the focus."""
    page = html.fromstring(answer.content)
    fields = page.xpath("//main//input[not(@hidden or @type='hidden' or @type='checkbox')]")
    return [field.get("autocomplete", "") for field in fields], page.xpath("//main//*[@autofocus]/@name")


def test_password_managers_and_the_keyboard_find_every_field(
    client: Client, guarded: User, settings: Settings
) -> None:
    settings.MAIL_CONFIGURED = True
    secret, _ends = make_link(guarded)
    nowhere = ""  # what is above the form is to be read first
    expected: list[tuple[Any, list[str], str]] = [
        (client.get("/accounts/login/"), ["username", "current-password"], "username"),
        (client.get("/accounts/forgotten/"), ["username"], "username"),
        (
            client.get(f"/accounts/link/{secret}/", follow=True),
            ["new-password", "new-password"],
            "new_password1",
        ),
    ]
    give_password(client)
    expected.append((client.get("/accounts/login/factor/"), ["one-time-code"], "code"))
    give_code(client, code_now())
    changing = ["current-password", "new-password", "new-password"]
    expected += [
        (client.get("/account/password/"), changing, "old_password"),
        (client.get("/account/again/"), ["current-password"], "password"),
        (client.get("/account/again/code/"), ["one-time-code"], "code"),
        (client.get("/account/delete/"), ["current-password"], nowhere),
    ]
    other = Client()
    other.force_login(User.objects.create_user("another", password=PASSWORD))
    other.post("/account/again/?next=/account/factors/app/", {"password": PASSWORD})
    expected.append((other.get("/account/factors/app/"), ["one-time-code"], nowhere))
    for answer, told, focused in expected:
        assert answer.status_code == 200
        assert fields_of(answer) == (told, [focused] if focused else []), answer.request["PATH_INFO"]


def test_a_teacher_who_comes_to_the_admin_is_told_and_led_back(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "Ask the person who runs HuleEdu" in answer.content.decode()
    assert html.fromstring(answer.content).xpath("//main//a[@href='/']")


def change_password(user: User) -> None:
    user.set_password("staple battery horse")
    user.save()


@pytest.mark.parametrize("end", [change_password, close], ids=["password", "closed"])
def test_who_waits_at_the_code_ends_with_what_the_password_opened(
    guarded: User, end: Callable[[User], None]
) -> None:
    browser = Client()
    give_password(browser)
    assert browser.get("/accounts/login/factor/").status_code == 200
    end(guarded)
    assert browser.get("/accounts/login/factor/").headers["Location"] == "/accounts/login/"
    assert give_code(browser, code_now()).headers["Location"] == "/accounts/login/"
    accounts.reopen(guarded)
    assert browser.get("/").status_code == 302
    assert "account_login" not in browser.session


def test_a_session_that_waits_at_the_code_is_not_one_from_before(guarded: User) -> None:
    browser = Client()
    planted = browser.session
    planted.save()
    key = planted.session_key
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value == key
    give_password(browser)
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != key


@pytest.mark.django_db(transaction=True)
def test_new_recovery_codes_are_in_the_security_log(client: Client, guarded: User) -> None:
    give_password(client)
    give_code(client, code_now())
    client.post("/account/again/", {"password": PASSWORD})
    assert client.post("/account/factors/codes/anew/").status_code == 302
    assert SecurityEvent.objects.filter(account_id=guarded.pk, kind="recovery_codes_made").count() == 1


def test_a_wrong_code_is_written_once_and_for_its_account(guarded: User) -> None:
    browser = Client()
    give_password(browser)
    statuses = [give_code(browser, "000000").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    told = SecurityEvent.objects.filter(route="accounts/login/factor/").values_list("kind", "account_id")
    assert list(told.order_by("pk")) == [("second_factor_failed", guarded.pk)] * 10 + [
        ("sign_in_waited", guarded.pk)
    ]


def test_another_way_to_prove_oneself_is_offered(client: Client, guarded: User) -> None:
    Authenticator.objects.create(user=guarded, type="webauthn", data={"name": "key", "credential": {}})
    client.force_login(guarded)
    page = client.get("/account/again/?next=/account/factors/app/remove/").content.decode()
    for way in ("code", "passkey"):
        assert f"/account/again/{way}/?next=" in page


def send_at_once(browser: Client, path: str, form: dict[str, str], times: int) -> list[int]:
    """The statuses of the same form sent from several tabs at once."""

    def send(_number: int) -> int:
        tab = Client()
        tab.cookies = copy(browser.cookies)
        try:
            return tab.post(path, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as tabs:
        return list(tabs.map(send, range(times)))


@pytest.mark.django_db(transaction=True)
def test_an_app_that_is_set_up_twice_at_once_is_set_up_once(client: Client, teacher: User) -> None:
    give_password(client)
    form = client.get("/account/factors/app/").context["form"]
    code = format_hotp_value(hotp_value(form.secret, int(time.time()) // 30))
    assert set(send_at_once(client, "/account/factors/app/", {"code": code}, 6)) == {302}
    assert Authenticator.objects.filter(user=teacher, type="totp").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_factors_that_are_removed_at_once_one_stays(client: Client, strict: None) -> None:
    helper = create_account("support", "helper", PASSWORD)
    keys = [
        Authenticator.objects.create(user=helper, type="webauthn", data={"name": name, "credential": {}})
        for name in ("one", "two")
    ]
    client.force_login(helper)
    client.post("/account/again/", {"password": PASSWORD})

    def remove(key: Authenticator) -> None:
        tab = Client()
        tab.cookies = copy(client.cookies)
        tab.post(f"/account/factors/passkeys/{key.pk}/remove/")
        connection.close()

    with ThreadPoolExecutor(2) as tabs:
        list(tabs.map(remove, keys))
    assert Authenticator.objects.filter(user=helper, type="webauthn").count() == 1
