"""The security log: what is written, that nobody changes it, and that a flood stays small."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import create_account
from huleedu.models import ApiToken
from huleedu.relay import maintenance
from huleedu.security.security_log import record, summarise
from huleedu.security_events import SecurityEvent, SecurityPace
from huleedu.security_kinds import PACES, SecurityKind

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"
TRIGGERS = ("security_log_stands", "security_log_ages", "security_log_is_not_emptied")


def told() -> QuerySet[SecurityEvent]:
    """What the log tells in its order, but for the accounts of the test itself."""
    return SecurityEvent.objects.exclude(kind="account_made").order_by("pk")


def kinds() -> list[str]:
    """The kinds of what it tells."""
    return list(told().values_list("kind", flat=True))


def age(days: int) -> None:
    """As if all rows had been written earlier."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE huleedu_securityevent DISABLE TRIGGER security_log_stands")
        cursor.execute("UPDATE huleedu_securityevent SET at = at - make_interval(days => %s)", [days])
        cursor.execute("ALTER TABLE huleedu_securityevent ENABLE TRIGGER security_log_stands")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE huleedu_securityevent SET actor_id = 1",
        "UPDATE huleedu_securityevent SET at = at WHERE false",
        "DELETE FROM huleedu_securityevent",
        "TRUNCATE huleedu_securityevent",
        "INSERT INTO huleedu_securityevent (id, kind, details)"
        " SELECT id, 'x', '{}' FROM huleedu_securityevent ON CONFLICT (id) DO UPDATE SET kind = 'x'",
        "MERGE INTO huleedu_securityevent s USING (SELECT 1) t ON true WHEN MATCHED THEN DELETE",
    ],
    ids=["update", "update of none", "delete", "truncate", "upsert", "merge"],
)
def test_the_applications_role_cannot_change_what_is_written(teacher: User, statement: str) -> None:
    record(SecurityKind.SIGNED_IN, actor=teacher, account=teacher)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE huleedu_securityevent ENABLE TRIGGER security_log_is_not_emptied")
    with (
        pytest.raises(IntegrityError, match="only added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert kinds() == ["signed_in"]


def test_django_cannot_either(teacher: User) -> None:
    record(SecurityKind.SIGNED_IN, actor=teacher, account=teacher)
    event = told().get()
    event.network = "elsewhere"
    for change in (event.save, event.delete, SecurityEvent.objects.all().delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert told().get().network == ""


def test_what_is_older_than_a_year_ends_with_the_tidying_and_nothing_younger(
    transactional_db: None, teacher: User
) -> None:
    record(SecurityKind.SIGNED_IN, actor=teacher, account=teacher)
    age(days=2)
    record(SecurityKind.SIGNED_OUT, actor=teacher, account=teacher)
    age(days=364)
    tidied = maintenance.tidy()
    assert tidied is not None and tidied.security_events == 2  # and the account of the test
    assert kinds() == ["signed_out"]


def test_it_is_kept_longer_when_that_is_set(transactional_db: None, teacher: User, settings: Any) -> None:
    settings.SECURITY_LOG_SECONDS = 400 * 24 * 60 * 60
    record(SecurityKind.SIGNED_IN, actor=teacher, account=teacher)
    age(days=390)
    maintenance.tidy()
    assert kinds() == ["signed_in"]
    age(days=20)
    maintenance.tidy()
    assert kinds() == []


def test_a_deed_that_is_rolled_back_is_not_told(teacher: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        make_token(teacher, "script")
        raise RuntimeError
    assert not ApiToken.objects.exists()
    assert kinds() == []


def test_a_deed_that_cannot_be_told_is_not_done(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huleedu.accounts.authentication.record", fail)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_token(teacher, "script")
    assert not ApiToken.objects.exists()


def fail(*_: object, **__: object) -> None:
    raise IntegrityError


def test_what_may_hold_names_has_no_place(teacher: User) -> None:
    with pytest.raises(ValueError, match="filename"):
        record(SecurityKind.ROW_CHANGED, actor=teacher, details={"filename": "Astrid.txt"})


def test_signing_in_and_out_tells_who_when_and_from_where(teacher: User, client: Client) -> None:
    before = timezone.now()
    sign_in(client, "teacher", GOOD, "198.51.100.7")
    client.post("/accounts/logout/", REMOTE_ADDR="2001:db8:1:2:3:4:5:6")
    first, second = told()
    assert (first.kind, second.kind) == ("signed_in", "signed_out")
    assert {first.actor_id, first.account_id, second.actor_id} == {teacher.pk}
    assert (first.network, second.network) == ("198.51.100.7/32", "2001:db8:1:2::/64")
    assert (first.route, second.route) == ("accounts/login/", "accounts/logout/")
    assert abs(first.at - before) < timedelta(minutes=1)
    assert first.correlation_id is not None


def sign_in(client: Client, name: str, password: str, address: str = "203.0.113.1") -> Any:
    form = {"username": name, "password": password}
    return client.post("/accounts/login/", form, REMOTE_ADDR=address)


def test_a_wrong_password_tells_whose_account_and_no_name_as_it_was_typed(
    teacher: User, client: Client
) -> None:
    sign_in(client, "teacher", "wrong")
    sign_in(client, "my secret password", "wrong")
    known, unknown = told()
    assert (known.kind, known.account_id, known.actor_id) == ("sign_in_failed", teacher.pk, None)
    assert (unknown.kind, unknown.account_id) == ("sign_in_failed", None)
    assert len(unknown.details["name"]) == 12 and "secret" not in str(unknown.details)


def test_waiting_is_told_too(teacher: User, client: Client) -> None:
    for _ in range(11):
        sign_in(client, "teacher", "wrong")
    assert kinds() == ["sign_in_failed"] * 10 + ["sign_in_waited"]


def test_a_new_account_and_each_new_password_are_told(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """By page, by command, and by whatever comes; not when a password is hashed anew as somebody signs in."""
    helper = create_account("support", "helper", GOOD)
    client.force_login(helper)
    form = {"old_password": "wrong", "new_password1": f"{GOOD}!", "new_password2": f"{GOOD}!"}
    client.post("/admin/password_change/", form)
    client.post("/admin/password_change/", {**form, "old_password": GOOD})
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"{GOOD}?")
    call_command("changepassword", "helper", stdout=StringIO())
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    sign_in(Client(), "helper", f"{GOOD}?")
    helper.refresh_from_db()
    assert helper.password.startswith("md5")
    made, entitled, *events = SecurityEvent.objects.order_by("pk")
    assert (made.kind, made.details, made.actor_id) == ("account_made", {"role": "teacher"}, None)
    assert (entitled.kind, entitled.details, entitled.actor_id) == ("role_changed", {"role": "support"}, None)
    assert [(event.kind, event.actor_id) for event in events] == [
        *(("signed_in", helper.pk), ("sign_in_failed", helper.pk)),
        *(("password_changed", helper.pk), ("session_ended", helper.pk)),
        *(("password_changed", None), ("session_ended", None), ("signed_in", helper.pk)),
    ]
    assert {event.account_id for event in events} == {helper.pk}


def test_tokens_are_told_from_making_to_the_last_try(
    transactional_db: None, teacher: User, client: Client
) -> None:
    client.force_login(teacher)
    client.post("/account/", {"name": "Astrids skript", "scope": "read", "days": "7"})
    token = ApiToken.objects.get()
    client.post("/account/", {"action": "revoke", "token": str(token.pk)})
    client.post("/account/", {"action": "revoke", "token": str(token.pk)})
    made = make_token(teacher, "another")
    ApiToken.objects.filter(pk=made.row.pk).update(expires_at=timezone.now() - timedelta(days=1))
    for method in ("get", "post"):
        send = getattr(Client(), method)
        assert send("/v1/batches", headers={"Authorization": f"Bearer {made.secret}"}).status_code == 401
        assert send("/v1/batches", headers={"Authorization": "Bearer hule_never"}).status_code == 401
    events = list(told().exclude(kind="signed_in"))
    assert [event.kind for event in events] == [
        *("token_made", "token_revoked", "token_made"),
        *("token_refused", "token_refused"),
    ]
    assert events[0].details == {"scope": "read", "days": 7}
    assert {event.account_id for event in events} == {teacher.pk}
    assert [event.subject_id for event in events][:2] == [str(token.pk)] * 2
    assert "Astrid" not in str([vars(event) for event in events])


def test_a_flood_of_wrong_passwords_stays_small_and_is_counted(teacher: User, colleague: User) -> None:
    """Within one minute: in a test's transaction time stands still."""
    pace = PACES[SecurityKind.SIGN_IN_FAILED]
    for number in range(500):
        record(SecurityKind.SIGN_IN_FAILED, account=teacher, details={"name": str(number)})
    record(SecurityKind.SIGN_IN_FAILED, account=colleague)
    record(SecurityKind.SIGN_IN_FAILED, account=None)
    assert told().filter(account_id=teacher.pk).count() == pace.own
    assert told().exclude(account_id=teacher.pk).count() == 0  # 500 in all were enough
    assert SecurityPace.objects.count() == 4
    assert summarise() == 0  # the minute is not over
    SecurityPace.objects.update(minute=timezone.now() - timedelta(minutes=2))
    assert summarise() == 2
    assert not SecurityPace.objects.exists()
    own, together = SecurityEvent.objects.filter(details__has_key="counted").order_by("details__of")
    assert (own.account_id, own.details["counted"], own.details["of"]) == (teacher.pk, 500, "account")
    assert (together.account_id, together.details["counted"], together.details["of"]) == (None, 502, "all")
    record(SecurityKind.SIGN_IN_FAILED, account=colleague)
    assert told().filter(account_id=colleague.pk).count() == 1


def test_a_flood_hides_no_success(teacher: User, client: Client) -> None:
    for number in range(100):
        record(SecurityKind.SIGN_IN_FAILED, details={"name": str(number)})
    sign_in(client, "teacher", GOOD)
    assert kinds()[-1] == "signed_in"
    assert kinds().count("sign_in_failed") == PACES[SecurityKind.SIGN_IN_FAILED].own


def test_every_kind_has_words_and_a_value_that_can_be_kept() -> None:
    for kind in SecurityKind:
        assert kind.label and len(kind.value) <= 40
    assert PACES.keys() <= set(SecurityKind)
