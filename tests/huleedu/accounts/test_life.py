"""Accounts are made, given links, renamed, limited, closed, opened again and handed over."""

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.actions import binning
from batches.models import Batch
from files.actions.handing_over import hand_over
from files.models import StoredContent
from huleedu.accounts import closing, links
from huleedu.accounts import life as accounts
from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import Limits, create_account, make_link
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.forgetting import erasing
from huleedu.models import Feed, LoggedEvent, PasswordLink, Usage
from huleedu.security_events import SecurityEvent
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
OLD, NEW = "correct horse battery", "staple battery horse"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing is looked at elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def manage(*words: str) -> str:
    out = io.StringIO()
    call_command("account", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def sign_in(name: str, password: str) -> int:
    said = {"username": name, "password": password}
    return Client().post("/accounts/login/", said).status_code


def follow(secret: str, password: str = NEW) -> int:
    """Follow a link and set a password: the last answer's status."""
    browser = Client()
    opened = browser.get(f"/accounts/link/{secret}/")
    if opened.status_code != 303:
        return opened.status_code
    assert secret not in opened.headers["Location"]
    form = {"new_password1": password, "new_password2": password}
    return browser.post(opened.headers["Location"], form).status_code


def bearer(user: User) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {make_token(user, 'script').secret}")


def test_a_link_sets_a_password_once(teacher: User) -> None:
    secret, _ends = make_link(teacher)
    client = bearer(teacher)
    assert follow(secret) == 303
    assert (sign_in("teacher", NEW), sign_in("teacher", OLD)) == (302, 200)
    assert client.get("/v1/batches").status_code == 401
    assert follow(secret) == 404


def test_a_link_opens_no_session(teacher: User) -> None:
    browser = Client()
    browser.get(f"/accounts/link/{make_link(teacher)[0]}/")
    browser.post("/accounts/set-password/", {"new_password1": NEW, "new_password2": NEW})
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize("own", [True, False], ids=["own", "colleagues"])
def test_a_link_ends_the_session_of_the_browser_that_sets_the_password(
    teacher: User, colleague: User, own: bool
) -> None:
    browser = Client()
    browser.force_login(teacher if own else colleague)
    browser.get(f"/accounts/link/{make_link(teacher)[0]}/")
    form = {"new_password1": NEW, "new_password2": NEW}
    answer = browser.post("/accounts/set-password/", form, follow=True)
    assert answer.redirect_chain == [("/accounts/login/", 303)]
    assert "Sign in with it" in answer.content.decode()
    assert browser.get("/").status_code == 302


def test_forgetting_is_no_wrong_password(teacher: User, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    for name in ("teacher", "nobody"):
        Client().post("/accounts/forgotten/", {"username": name})
    told = SecurityEvent.objects.filter(route="accounts/forgotten/").order_by("pk")
    assert [(event.kind, event.account_id) for event in told] == [
        ("password_link_asked", teacher.pk),
        ("password_link_asked", None),
    ]


def test_a_mailed_link_leads_to_the_configured_address(settings: Settings) -> None:
    settings.TOLD_HOSTS = settings.ALLOWED_HOSTS = ["essays.school.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://essays.school.example"]
    request = RequestFactory().get("/", headers={"Host": "essays.school.example:6666"})
    assert links.address_of_mailed_link("s", request) == "https://essays.school.example/accounts/link/s/"
    settings.TOLD_HOSTS, settings.CSRF_TRUSTED_ORIGINS = [], []
    assert links.address_of_mailed_link("s", request).startswith("http://essays.school.example:6666/")


def end_by_a_newer_one(user: User) -> None:
    make_link(user)


def end_by_a_changed_password(user: User) -> None:
    user.set_password(NEW)
    user.save()


def end_by_time(user: User) -> None:
    PasswordLink.objects.update(expires_at=F("expires_at") - timedelta(hours=24))


def end_by_closing(user: User) -> None:
    accounts.close(user)


@pytest.mark.parametrize("end", [end_by_a_newer_one, end_by_a_changed_password, end_by_time, end_by_closing])
def test_a_link_ends(teacher: User, end: Callable[[User], None]) -> None:
    secret, _ends = make_link(teacher)
    browser = Client()
    browser.get(f"/accounts/link/{secret}/")
    end(teacher)
    assert follow(secret) == 404
    form = {"new_password1": "another horse battery", "new_password2": "another horse battery"}
    assert browser.post("/accounts/set-password/", form).status_code == 404


def test_a_weak_password_keeps_the_link(teacher: User) -> None:
    secret, _ends = make_link(teacher)
    assert follow(secret, "short") == 200
    assert follow(secret) == 303


def test_a_link_is_stored_as_a_digest(teacher: User) -> None:
    secret, _ends = make_link(teacher)
    assert secret not in str(list(PasswordLink.objects.values()))


def test_forgotten_says_the_same_for_every_name(teacher: User, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    User.objects.filter(pk=teacher.pk).update(email="teacher@school.example")
    pages = [Client().post("/accounts/forgotten/", {"username": name}) for name in ("teacher", "nobody")]
    assert {page.status_code for page in pages} == {200}
    plain = [re.sub(r"[\w-]{64}", "", page.content.decode()) for page in pages]  # without the forms' tokens
    assert plain[0] == plain[1]


@pytest.mark.parametrize("name", ["teacher", "nobody"])
def test_asking_again_and_again_waits(teacher: User, settings: Settings, name: str) -> None:
    settings.MAIL_CONFIGURED = True
    statuses = [Client().post("/accounts/forgotten/", {"username": name}).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2


@pytest.mark.django_db(transaction=True)
def test_a_link_is_mailed(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    create_account("teacher", "alma", OLD, "alma@school.example")
    request = Client().get("/help/").wsgi_request
    sender = links.ask_for_link(request, "alma")
    assert sender is not None
    sender.join(20)
    assert mail.outbox[0].to == ["alma@school.example"]
    address = next(word for word in mail.outbox[0].body.split() if "/accounts/link/" in word)
    assert follow(address.rstrip("/").rpartition("/")[2]) == 303


def test_asking_by_mail_ends_no_link_and_the_first_used_ends_all(
    teacher: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_CONFIGURED = True
    User.objects.filter(pk=teacher.pk).update(email="teacher@school.example")
    mailed: list[str] = []
    monkeypatch.setattr(links, "send_behind", lambda user, address: mailed.append(address))
    printed, _ends = make_link(teacher)
    for _ in range(2):
        Client().post("/accounts/forgotten/", {"username": "teacher"})
    first, second = (address.rstrip("/").rpartition("/")[2] for address in mailed)
    assert all(accounts.find_link(secret) == teacher for secret in (printed, first, second))
    assert follow(first) == 303
    assert [accounts.find_link(secret) for secret in (printed, first, second)] == [None] * 3


@pytest.mark.django_db(transaction=True)
def test_of_links_that_are_used_at_once_one_sets_the_password(teacher: User) -> None:
    links_of_hers = [make_link(teacher, asked_by_anybody=True)[0] for _ in range(4)]

    def use(secret: str) -> bool:
        try:
            return accounts.use_link(secret, f"{NEW} {secret}")
        finally:
            connection.close()

    with ThreadPoolExecutor(len(links_of_hers)) as browsers:
        used = list(browsers.map(use, links_of_hers))
    assert sorted(used) == [False, False, False, True]
    teacher.refresh_from_db()
    assert teacher.check_password(f"{NEW} {links_of_hers[used.index(True)]}")
    assert not PasswordLink.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [{"email": "new@school.example"}, {"email": ""}, {"is_active": False}])
def test_a_link_never_goes_to_an_address_that_is_changed_meanwhile(
    teacher: User, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    User.objects.filter(pk=teacher.pk).update(email="former@school.example")
    mailed: list[str] = []
    monkeypatch.setattr(links, "send_behind", lambda user, address: mailed.append(user.email))
    request = Client().get("/help/").wsgi_request

    def ask() -> None:
        try:
            sender = links.ask_for_link(request, "teacher")
            if sender is not None:
                sender.join(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as stranger:
        with transaction.atomic():
            User.objects.filter(pk=teacher.pk).update(**change)
            PasswordLink.objects.filter(user=teacher).delete()
            asked = stranger.submit(ask)
            with suppress(TimeoutError):
                asked.result(1)  # it has looked by now, and waits, or has not waited
        asked.result(20)
    assert mailed == [address for address in [change.get("email")] if address]


def test_without_mail_nobody_is_asked_whether_it_is_forgotten(client: Client) -> None:
    assert client.get("/accounts/forgotten/").status_code == 404
    assert "/accounts/forgotten/" not in client.get("/accounts/login/").content.decode()


def test_a_closed_account_lets_nobody_in_and_keeps_its_batches(pipeline: Pipeline, teacher: User) -> None:
    pipeline.register(teacher, 1)
    client, browser = bearer(teacher), Client()
    browser.force_login(teacher)
    assert "closed" in manage("close", "teacher")
    assert browser.get("/").status_code == 302
    assert client.get("/v1/batches").status_code == 401
    assert sign_in("teacher", OLD) == 200
    with pytest.raises(ValidationError):
        make_link(teacher)
    manage("reopen", "teacher")
    assert sign_in("teacher", OLD) == 302
    assert client.get("/v1/batches").status_code == 401  # tokens do not come back
    assert Batch.objects.owned_by(teacher).count() == 1


def test_renaming_keeps_sessions_and_takes_no_name_of_others(teacher: User, colleague: User) -> None:
    browser = Client()
    browser.force_login(teacher)
    manage("rename", "teacher", "alma.berg")
    assert browser.get("/").status_code == 200
    assert sign_in("alma.berg", OLD) == 302
    for name in ("colleague", "no good name", ""):
        with pytest.raises(CommandError):
            manage("rename", "alma.berg", name)


def test_everything_of_a_batch_is_handed_over(pipeline: Pipeline, teacher: User, colleague: User) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, essay_bytes(1), "one.txt")
    pipeline.run()
    pipeline.upload(batch, essay_bytes(2), "two.txt")  # and work that waits
    kept = Usage.objects.get(owner=teacher).bytes
    before, after = bearer(teacher), bearer(colleague)
    paths = [
        f"/v1/batches/{batch.pk}",
        f"/v1/batches/{batch.pk}/events",
        f"/v1/files/{upload.pk}",
        f"/v1/content/{upload.raw_storage_id}",
    ]
    assert [before.get(path).status_code for path in paths] == [200] * 4
    assert hand_over(teacher, colleague) == (1, 0)
    assert [before.get(path).status_code for path in paths] == [404] * 4
    assert [after.get(path).status_code for path in paths] == [200] * 4
    assert Feed.objects.get(pk=batch.pk).owner_id == colleague.pk
    assert not StoredContent.objects.filter(owner=teacher).exists()
    assert (Usage.objects.get(owner=teacher).bytes, Usage.objects.get(owner=colleague).bytes) == (0, kept)
    pipeline.run()
    told = LoggedEvent.objects.get(event_type="BatchHandedOver").envelope["data"]
    assert (told["old"], told["new"]) == (teacher.pk, colleague.pk)
    batch.refresh_from_db()
    assert batch.files.filter(status="assigned").count() == 2
    assert hand_over(teacher, colleague) == (0, 0)


def test_what_lies_in_the_bin_is_handed_over_too(pipeline: Pipeline, teacher: User, colleague: User) -> None:
    """It is erased on its day, not with the former owner's account; until then the colleague restores it."""
    batch, lost = (pipeline.completed(teacher, essay_bytes(number)) for number in (1, 2))
    for each in (batch, lost):
        binning.delete(each.pk, teacher.pk)
    day = Erasure.objects.get(batch_id=batch.pk).due_at
    assert "2 batches of teacher belong to colleague now, 2 of them in the bin." in manage(
        "hand-over", "teacher", "colleague"
    )
    assert not StoredContent.objects.filter(owner=teacher).exists()
    assert Usage.objects.get(owner=teacher).bytes == 0
    assert set(Erasure.objects.values_list("owner_id", flat=True)) == {colleague.pk}
    erasing.carry_out(closing.delete_account(teacher, at_once=True))
    assert not User.objects.filter(pk=teacher.pk).exists()
    api = bearer(colleague)
    told = {each["batch_id"]: each["erased_at"] for each in api.get("/v1/bin").json()["results"]}
    assert told.keys() == {str(batch.pk), str(lost.pk)}
    assert datetime.fromisoformat(told[str(batch.pk)]) == day
    assert api.post(f"/v1/bin/{batch.pk}/restore").status_code == 200
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.owner_id, batch.files.get().status) == (colleague.pk, "assigned")
    erasing.carry_out(Erasure.objects.get(kind="batch"))
    assert list(Batch.objects.all()) == [batch]


def test_a_teacher_has_limits_of_her_own(pipeline: Pipeline, teacher: User, colleague: User) -> None:
    manage("limits", "teacher", "--batches-a-day", "1", "--bytes", "10")
    batch = pipeline.register(teacher, 1)
    with pytest.raises(Refused, match="TOO_MANY_BATCHES_TODAY"):
        pipeline.register(teacher, 1)
    with pytest.raises(Refused, match="NO_ROOM_LEFT"):
        pipeline.upload(batch, essay_bytes(1), "one.txt")
    told = bearer(teacher).get("/v1/limits").json()
    assert (told["kept_bytes"]["limit"], told["batches_today"]["limit"]) == (10, 1)
    for number in range(2):
        pipeline.upload(pipeline.register(colleague, 1), essay_bytes(number), "one.txt")
    accounts.set_limits(teacher, Limits())
    pipeline.upload(batch, essay_bytes(1), "one.txt")


def test_the_command_lists_and_makes_and_ends() -> None:
    address = manage("create", "administrator", "chief", "--email", "chief@school.example").strip()
    assert follow(address.rstrip("/").rpartition("/")[2]) == 303
    assert sign_in("chief", NEW) == 302
    assert manage("create", "teacher", "alma", "--password").count("-") == 3
    lines = [line.split("\t")[:3] for line in manage("list").splitlines()]
    assert lines == [["alma", "teacher", "open"], ["chief", "administrator", "open"]]
    assert len(manage("sessions", "chief").splitlines()) == 1
    assert "1 sessions" in manage("end-sessions", "chief")
    manage("email", "chief", "")
    assert User.objects.get(username="chief").email == ""
    for words in (["create", "teacher", "alma"], ["close", "nobody"], ["email", "alma", "no address"]):
        with pytest.raises(CommandError):
            manage(*words)


@pytest.fixture
def chief(client: Client) -> Client:
    """An administrator's browser."""
    client.force_login(create_account("administrator", "chief", OLD))
    return client


def page_of(user: User) -> str:
    return f"/admin/auth/user/{user.pk}/change/"


def test_an_administrator_makes_an_account_and_gets_its_link(chief: Client) -> None:
    form = {"username": "alma", "email": "", "role": "support"}
    page = chief.post("/admin/auth/user/add/", form, follow=True).content.decode()
    secret = page.partition("/accounts/link/")[2].partition("/")[0]
    assert follow(secret) == 303
    made = User.objects.get(username="alma")
    assert made.is_staff
    assert not made.is_superuser


def test_an_administrator_changes_limits_and_names_and_hands_over(
    chief: Client, pipeline: Pipeline, teacher: User, colleague: User
) -> None:
    pipeline.register(teacher, 1)
    form: dict[str, Any] = {"username": "alma", "email": "alma@school.example", "role": "teacher"}
    form["most_files"] = 7
    assert chief.post(page_of(teacher), {**form, "hand_over_to": "nobody"}).status_code == 200
    assert chief.post(page_of(teacher), {**form, "hand_over_to": "colleague"}).status_code == 302
    teacher.refresh_from_db()
    assert (teacher.username, teacher.email) == ("alma", "alma@school.example")
    assert Usage.objects.get(owner=teacher).most_files == 7
    assert Batch.objects.owned_by(colleague).count() == 1
    assert chief.get(page_of(teacher)).status_code == 200


@pytest.mark.parametrize("most", ["9" * 30, "99999999999"], ids=["longest", "long"])
def test_a_limit_that_no_column_holds_is_told(chief: Client, teacher: User, most: str) -> None:
    form = {"username": "teacher", "email": "", "role": "teacher"}
    form |= {"most_files": most, "most_bytes": most + "9" * 9}
    page = chief.post(page_of(teacher), form)
    assert page.status_code == 200
    assert page.context["adminform"].form.errors.keys() == {"most_files", "most_bytes"}


@pytest.mark.parametrize("limit", ["-5", "9" * 30], ids=["negative", "longest"])
def test_a_limit_that_is_none_is_refused_by_the_command(teacher: User, limit: str) -> None:
    with pytest.raises(CommandError, match="limit"):
        manage("limits", "teacher", f"--files-a-day={limit}")
    assert not Usage.objects.filter(most_files__isnull=False).exists()


def test_an_administrator_does_not_lock_herself_out(chief: Client) -> None:
    own = User.objects.get(username="chief")
    for deed in ("close", "delete", "reset"):
        page = chief.post(f"/admin/auth/user/{own.pk}/do/{deed}/", follow=True)
        assert "your own account" in page.content.decode()
    chosen = {"action": "close", "_selected_action": [own.pk]}
    assert "your own account" in chief.post("/admin/auth/user/", chosen, follow=True).content.decode()
    own.refresh_from_db()
    assert own.is_active


def test_a_name_that_was_taken_meanwhile_is_told(
    chief: Client, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "validate_unique", lambda *_arguments, **_named: None)
    form = {"username": "teacher", "email": "", "role": "teacher"}
    page = chief.post("/admin/auth/user/add/", form, follow=True)
    assert page.status_code == 200
    assert "already an account of that name" in page.content.decode()
    own = User.objects.get(username="chief")
    form["role"] = "administrator"
    page = chief.post(page_of(own), form, follow=True)
    assert "already an account of that name" in page.content.decode()


def test_another_role_holds_at_once_and_ends_what_was_open(chief: Client, teacher: User) -> None:
    page, script = Client(), bearer(teacher)
    page.force_login(teacher)
    form = {"username": "teacher", "email": "", "role": "administrator"}
    for role, status in (("administrator", 200), ("support", 403), ("teacher", 302)):
        assert chief.post(page_of(teacher), {**form, "role": role}).status_code == 302
        assert (page.get("/account/").status_code, script.get("/v1/batches").status_code) == (302, 401)
        page.force_login(User.objects.get(pk=teacher.pk))
        assert page.get("/admin/auth/user/").status_code == status
        script = bearer(teacher)
        assert f"teacher\t{role}\t" in manage("list")
        assert chief.get(page_of(teacher)).context["adminform"].form.initial["role"] == role
        assert chief.post(page_of(teacher), {**form, "role": role}).status_code == 302  # nothing changed
        assert script.get("/v1/batches").status_code == 200
    told = SecurityEvent.objects.filter(account_id=teacher.pk, kind="role_changed").order_by("pk")
    assert [event.details["role"] for event in told] == ["administrator", "support", "teacher"]


def test_nobody_changes_her_own_role_or_a_superusers(chief: Client, teacher: User) -> None:
    own = User.objects.get(username="chief")
    page = chief.post(page_of(own), {"username": "chief", "email": "", "role": "teacher"}, follow=True)
    assert "your own account" in page.content.decode()
    assert "chief\tadministrator" in manage("list")
    User.objects.create_superuser("root")
    with pytest.raises(CommandError, match="from a shell"):
        manage("role", "root", "teacher")


@pytest.mark.parametrize("role", ["teacher", "support", "administrator"])
def test_the_security_log_tells_what_a_new_account_may_do(role: accounts.Role) -> None:
    made = create_account(role, "alma", OLD)
    told = SecurityEvent.objects.filter(account_id=made.pk, details__has_key="role").order_by("pk")
    assert [event.details["role"] for event in told][-1] == role


def test_an_administrator_closes_and_reopens(chief: Client, teacher: User) -> None:
    for deed, state in (("close", False), ("reopen", True)):
        chief.post(f"/admin/auth/user/{teacher.pk}/do/{deed}/")
        teacher.refresh_from_db()
        assert teacher.is_active is state


def test_support_sees_no_accounts_and_nobody_touches_superusers(chief: Client, teacher: User) -> None:
    root = User.objects.create_superuser("root", password=OLD)
    assert chief.get(page_of(root)).status_code == 302
    chief.post(f"/admin/auth/user/{root.pk}/do/close/")
    assert User.objects.get(pk=root.pk).is_active
    helper = Client()
    helper.force_login(create_account("support", "helper", OLD))
    assert helper.get("/admin/auth/user/").status_code == 403
    assert helper.post(f"/admin/auth/user/{teacher.pk}/do/close/").status_code == 403
    assert User.objects.get(pk=teacher.pk).is_active


def kinds_of(user: User) -> list[str]:
    """What the security log tells of an account, in order, but how it was made."""
    told = SecurityEvent.objects.filter(account_id=user.pk).order_by("pk").values_list("kind", flat=True)
    return [kind for kind in told if kind != "account_made"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["close", "teacher"], ["account_closed"]),
        (["reopen", "teacher"], ["account_reopened"]),
        (["rename", "teacher", "other"], ["account_renamed"]),
        (["role", "teacher", "support"], ["role_changed"]),
        (["email", "teacher", "a@example.org"], ["account_address_changed"]),
        (["limits", "teacher", "--bytes", "5"], ["account_limited"]),
        (["link", "teacher"], ["password_link_made"]),
        (["hand-over", "teacher", "colleague"], ["account_handed_over"]),
        (["delete", "teacher"], ["account_closed", "account_deleted"]),
    ],
    ids=lambda value: value[0],
)
def test_every_deed_is_in_the_security_log(
    teacher: User, colleague: User, words: list[str], told: list[str]
) -> None:
    manage(*words)
    assert kinds_of(teacher) == told


def test_what_ends_with_an_account_is_in_the_security_log(teacher: User) -> None:
    Client().force_login(teacher)
    make_token(teacher, "script")
    manage("end-sessions", "teacher")
    assert kinds_of(teacher)[-2:] == ["session_ended", "token_revoked"]


@pytest.mark.parametrize(
    ("button", "kind"),
    [("close", "account_closed"), ("end", "session_ended"), ("link", "password_link_made")],
)
def test_a_button_is_in_the_security_log_once(teacher: User, button: str, kind: str) -> None:
    chief = User.objects.create_superuser("chief")
    Client().force_login(teacher)
    browser = Client()
    browser.force_login(chief)
    page = f"/admin/auth/user/{teacher.pk}/change/"
    answer = browser.post(f"/admin/auth/user/{teacher.pk}/do/{button}/", headers={"referer": page})
    assert answer.status_code in {200, 302}, answer.content
    events = SecurityEvent.objects.filter(account_id=teacher.pk, kind=kind)
    assert [event.actor_id for event in events] == [chief.pk]
