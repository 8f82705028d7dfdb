"""Who reads the security log, how it is searched, and that no page of the admin forgets to write it."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from batches.models import Batch
from files.models import FileUpload
from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import create_account
from huleedu.models import ApiToken, DeadLetter
from huleedu.security import security_export
from huleedu.security.recorded import RecordedAdmin
from huleedu.security.security_log import record
from huleedu.security_events import SecurityEvent
from huleedu.security_kinds import SecurityKind
from huleedu.support.base import ActingAdmin, without_names

GOOD = "correct horse battery"
LOG = "/admin/huleedu/securityevent/"
PUPIL = "Lindqvist"


def events(*without: str) -> list[SecurityEvent]:
    """What is written, in its order."""
    return list(
        SecurityEvent.objects.exclude(kind__in=["signed_in", "account_made", *without]).order_by("pk")
    )


@pytest.fixture
def chief(transactional_db: None) -> Client:
    """An administrator's browser, signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("chief", password=GOOD))
    return client


def test_every_page_of_the_admin_is_recorded() -> None:
    """A new one that is not fails here."""
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, RecordedAdmin), model
        assert type(model_admin).change_view is RecordedAdmin.change_view, model
        for method in ("log_addition", "log_change", "delete_model", "delete_queryset"):
            assert getattr(type(model_admin), method) is getattr(RecordedAdmin, method), (model, method)
        assert not model_admin.actions, model  # what is no deed would change rows unseen
        # What is done to accounts is written down by the actions: accounts/test_life.py.
        if isinstance(model_admin, ActingAdmin) and model is not User:
            assert all(isinstance(deed.kind, SecurityKind) for deed in model_admin.deeds.values()), model


def test_every_row_that_is_looked_at_is_recorded(desk: Client, batch: Batch, support: User) -> None:
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.first()
        if row is None or not support.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        before = len(events())
        assert desk.get(address, REMOTE_ADDR="198.51.100.7").status_code == 200
        (told,) = events()[before:]
        assert (told.kind, told.actor_id) == ("row_seen", support.pk), model_admin
        assert (told.subject, told.subject_id) == (model._meta.label, str(row.pk))
        assert told.network == "198.51.100.7/32"


def test_a_files_name_is_shown_for_a_reason_alone(
    desk: Client, batch: Batch, support: User, teacher: User
) -> None:
    upload = batch.files.get(status="assigned")
    trace = reverse("admin:files_fileupload_trace", args=[upload.pk])
    pages = [reverse("admin:files_fileupload_change", args=[upload.pk]), trace]
    pages += [reverse("admin:files_fileupload_history", args=[upload.pk])]
    for page in pages:
        assert PUPIL not in desk.get(page).content.decode(), page
    for reason in ("", "  ", "ok", "x" * 201):
        answer = desk.post(trace, {"reason": reason})
        assert answer.status_code == 200 and PUPIL not in answer.content.decode(), reason
    assert not SecurityEvent.objects.filter(kind="name_seen").exists()
    shown = desk.post(trace, {"reason": "The teacher asks about this file"}).content.decode()
    assert PUPIL in shown
    (told,) = SecurityEvent.objects.filter(kind="name_seen")
    assert (told.actor_id, told.account_id) == (support.pk, teacher.pk)
    assert (told.subject_id, told.reason) == (str(upload.pk), "The teacher asks about this file")
    assert PUPIL not in desk.get(trace).content.decode()  # the next look needs a reason of its own
    assert [event.kind for event in events("row_seen")].count("trace_seen") >= 2
    assert not any(PUPIL in str(vars(event)) for event in events())


def test_what_a_batch_is_called_is_shown_for_a_reason_alone(
    desk: Client, batch: Batch, support: User, teacher: User
) -> None:
    Batch.objects.filter(pk=batch.pk).update(title="Essays of Lindqvist", class_name="9B Lindqvist")
    names = reverse("admin:batches_batch_names", args=[batch.pk])
    page = reverse("admin:batches_batch_change", args=[batch.pk])
    assert f'href="{names}"' in desk.get(page).content.decode()
    for address in (reverse("admin:batches_batch_changelist"), page, names):
        assert PUPIL not in desk.get(address).content.decode(), address
    for reason in ("", "  ", "ok", "x" * 201):
        answer = desk.post(names, {"reason": reason})
        assert answer.status_code == 200 and PUPIL not in answer.content.decode(), reason
    assert not SecurityEvent.objects.filter(kind="name_seen").exists()
    shown = desk.post(names, {"reason": "The teacher asks about her batch"}).content.decode()
    assert "Essays of Lindqvist" in shown and "9B Lindqvist" in shown
    (told,) = SecurityEvent.objects.filter(kind="name_seen")
    assert (told.actor_id, told.account_id) == (support.pk, teacher.pk)
    assert (told.subject_id, told.reason) == (str(batch.pk), "The teacher asks about her batch")
    assert PUPIL not in desk.get(names).content.decode()
    assert not any(PUPIL in str(vars(event)) for event in events())
    desk.force_login(teacher)
    assert desk.post(names, {"reason": "I am curious about it"}).status_code == 302
    desk.force_login(User.objects.create_user("temp", password=GOOD, is_staff=True))
    assert desk.post(names, {"reason": "I am curious about it"}).status_code == 403


def test_why_a_batch_was_cancelled_is_the_teachers_own_and_why_a_file_failed_a_code() -> None:
    cancelled = {"who": 1, "reason": "Lindqvist moved", "status": "cancelled"}
    failed = {"filename": "Lindqvist.odt", "details": {"reason": "archive"}}
    assert without_names(cancelled) == {"who": 1, "status": "cancelled"}
    assert without_names([failed]) == [{"details": {"reason": "archive"}}]


def test_no_name_without_the_log(
    desk: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    upload = batch.files.get(status="assigned")
    monkeypatch.setattr("huleedu.support.reasons.note", fail)
    desk.raise_request_exception = False
    trace = reverse("admin:files_fileupload_trace", args=[upload.pk])
    answer = desk.post(trace, {"reason": "The teacher asks about this file"})
    assert answer.status_code == 500 and PUPIL not in answer.content.decode()


def fail(*_: object, **__: object) -> None:
    raise RuntimeError


def test_every_deed_of_support_is_recorded_with_it(
    desk: Client, batch: Batch, support: User, teacher: User
) -> None:
    letter, token = DeadLetter.objects.get(), ApiToken.objects.get()
    upload = batch.files.get(status="failed")
    presses = [
        ("files_fileupload_do", upload.pk, "reprocess", "file_reprocessed"),
        ("files_fileupload_do", batch.files.get(status="assigned").pk, "repeat_spellcheck", "check_repeated"),
        ("huleedu_deadletter_do", letter.pk, "discard", "letter_discarded"),
        ("huleedu_apitoken_do", token.pk, "revoke", "token_revoked"),
    ]
    for name, number, deed, kind in presses:
        desk.post(reverse(f"admin:{name}", args=[number, deed]))
        told = events()[-1]
        assert (told.kind, told.actor_id, told.account_id) == (kind, support.pk, teacher.pk)
        assert told.subject_id == str(number)
        assert told.route.endswith("do/<slug:name>/")


def test_a_deed_that_was_refused_or_failed_is_not_told_as_done(
    desk: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = batch.files.get(status="failed")
    desk.post(reverse("admin:files_fileupload_do", args=[failed.pk, "repeat_spellcheck"]))
    assert "check_repeated" not in [event.kind for event in events()]
    letter = DeadLetter.objects.get()
    monkeypatch.setattr("huleedu.support.base.note", fail)
    desk.raise_request_exception = False
    assert desk.post(reverse("admin:huleedu_deadletter_do", args=[letter.pk, "discard"])).status_code == 500
    assert DeadLetter.objects.get().status == "dead"


def test_the_admins_own_forms_are_recorded(chief: Client, teacher: User) -> None:
    address = "/admin/auth/user"
    form = {"username": "teacher", "email": "alma@school.example", "role": "teacher"}
    assert chief.post(f"{address}/{teacher.pk}/change/", form).status_code == 302
    changed = events("row_seen")[-1]
    assert (changed.kind, changed.account_id) == ("row_changed", teacher.pk)
    assert changed.details["fields"] and "alma" not in str(vars(changed))

    added = {"username": "alma", "role": "teacher"}
    assert chief.post(f"{address}/add/", added).status_code == 302
    told = events("row_seen")[-1]
    assert (told.kind, told.account_id) == ("row_added", User.objects.get(username="alma").pk)
    assert chief.post(f"{address}/{told.account_id}/delete/", {"post": "yes"}).status_code == 403


@pytest.fixture
def told(transactional_db: None, teacher: User) -> SecurityEvent:
    """An event that others would like to read, or to be rid of."""
    record(SecurityKind.PASSWORD_CHANGED, actor=teacher, account=teacher)
    return SecurityEvent.objects.get(kind="password_changed")


def attempts(client: Client, event: SecurityEvent) -> list[int]:
    """Every way to the log through the pages and the API."""
    ways = [client.get(LOG), client.get(f"{LOG}?q=teacher"), client.get(f"{LOG}{event.pk}/change/")]
    ways += [client.get(f"{LOG}{event.pk}/history/"), client.get("/v1/security-log")]
    ways += [client.post(f"{LOG}{event.pk}/change/", {}), client.post(f"{LOG}add/", {})]
    ways += [client.post(f"{LOG}{event.pk}/delete/", {"post": "yes"})]
    chosen = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    ways += [client.post(LOG, chosen)]
    assert not any(b"password changed" in answer.content for answer in ways)
    return [answer.status_code for answer in ways]


def test_a_curious_support_person_reads_nothing_and_is_noticed(
    desk: Client, support: User, told: SecurityEvent
) -> None:
    statuses = attempts(desk, told)
    assert set(statuses) <= {403, 404}
    assert "securityevent" not in desk.get("/admin/").content.decode()
    noticed = SecurityEvent.objects.filter(kind="refused", actor_id=support.pk)
    assert noticed.count() == statuses.count(403) > 0
    assert SecurityEvent.objects.filter(pk=told.pk).exists()


def test_a_teacher_and_a_stranger_read_nothing(teacher: User, told: SecurityEvent) -> None:
    own = Client()
    own.force_login(teacher)
    for client in (own, Client()):
        assert set(attempts(client, told)) <= {302, 403, 404, 401}
    assert SecurityEvent.objects.filter(pk=told.pk).exists()


def test_a_former_administrator_reads_nothing_with_the_session_and_token_that_are_left(
    told: SecurityEvent,
) -> None:
    former = User.objects.create_superuser("former", password=GOOD)
    client = Client()
    client.force_login(former)
    token = make_token(former, "script").secret
    assert client.get(LOG).status_code == 200
    former.is_active = False
    former.save()
    assert set(attempts(client, told)) <= {302, 401, 404}
    answer = Client().get("/v1/batches", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert SecurityEvent.objects.filter(kind="token_refused", account_id=former.pk).count() == 1
    demoted = User.objects.create_superuser("demoted", password=GOOD)
    client.force_login(demoted)
    User.objects.filter(pk=demoted.pk).update(is_superuser=False)
    demoted.groups.add(Group.objects.get_or_create(name="support")[0])
    assert set(attempts(client, told)) <= {403, 404}


def test_an_administrator_reads_and_changes_nothing(
    chief: Client, told: SecurityEvent, teacher: User
) -> None:
    page = chief.get(LOG).content.decode()
    assert "password changed" in page and "teacher" in page
    assert "password changed" in chief.get(f"{LOG}{told.pk}/change/").content.decode()
    assert chief.post(f"{LOG}{told.pk}/change/", {"reason": "x"}).status_code == 403
    assert chief.post(f"{LOG}{told.pk}/delete/", {"post": "yes"}).status_code == 403
    chief.post(LOG, {"action": "delete_selected", "_selected_action": [told.pk], "post": "yes"})
    assert SecurityEvent.objects.filter(pk=told.pk).exists()
    teacher.delete()
    assert f"account {told.account_id}, deleted" in chief.get(LOG).content.decode()


@pytest.mark.parametrize("address", ["203.0.113.9", "203.0.113.9/32", "2001:db8:1:2::7", "2001:db8:1:2::/64"])
def test_events_are_found_by_whom_where_and_what(chief: Client, teacher: User, address: str) -> None:
    network = "203.0.113.9/32" if address.startswith("203") else "2001:db8:1:2::/64"
    wanted = SecurityEvent.objects.create(
        kind="signed_in", network=network, account_id=teacher.pk, subject_id="42", correlation_id=BATCH_ID
    )
    SecurityEvent.objects.create(kind="signed_out", network="192.0.2.1/32", actor_id=0)
    for term in (address, "teacher", str(teacher.pk), "42", str(BATCH_ID), f"code {BATCH_ID}"):
        found = chief.get(LOG, {"q": term}).context["cl"].queryset
        assert wanted.pk in {event.pk for event in found}, term
        assert not {event.kind for event in found} - {"signed_in", "account_made"}, term
    for filters, kind in (
        ({"kind": "signed_out"}, "signed_out"),
        ({"days": "1", "kind": "signed_in"}, "signed_in"),
    ):
        assert {event.kind for event in chief.get(LOG, filters).context["cl"].queryset} == {kind}


BATCH_ID = "0190c1f0-0000-7000-8000-000000000001"
FILL = """
INSERT INTO huleedu_securityevent
  (at, kind, actor_id, account_id, network, subject_id, details, correlation_id)
SELECT now() - n * interval '30 seconds',
  (ARRAY['signed_in', 'signed_out', 'token_made', 'row_seen'])[1 + n %% 4],
  n %% 60, n %% 61, '10.0.' || n %% 200 || '.1/32', n::text, '{}', gen_random_uuid()
FROM generate_series(1, %s) n
"""


@pytest.mark.timeout(400)
def test_a_million_rows_are_read_by_index(transactional_db: None, teacher: User, chief: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [1_000_000])
        cursor.execute("ANALYZE huleedu_securityevent")
    queries = [
        {},
        {"kind": "token_made"},
        {"kind": "token_refused"},
        {"days": "1"},
        {"days": "30", "kind": "row_seen"},
    ]
    queries += [{"q": term} for term in ("teacher", "7", "10.0.7.1", BATCH_ID, "4711", "nobody")]
    queries += [{"p": "100"}, {"q": "7", "kind": "signed_in", "days": "7"}]
    for query in queries:
        with CaptureQueriesContext(connection) as captured:
            assert chief.get(LOG, query).status_code == 200
        check_plans([each["sql"] for each in captured], str(query))
    since = timezone.now() - timedelta(days=2)
    with CaptureQueriesContext(connection) as captured:
        whole = list(security_export.lines(since, timezone.now() + timedelta(hours=1)))
        own = list(security_export.lines(since, timezone.now() + timedelta(hours=1), 7))
    assert len(whole) > 5000 and 50 < len(own) < 400
    check_plans([each["sql"] for each in captured], "export")


def check_plans(statements: list[str], what: str) -> None:
    """No statement about the log reads all of it."""
    ours = [each for each in statements if 'FROM "huleedu_securityevent"' in each]
    assert ours, what
    for statement in ours:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Seq Scan on huleedu_securityevent" not in plan, (what, statement, plan)


def export(**options: str) -> list[dict[str, Any]]:
    """What the command writes."""
    out = StringIO()
    call_command("security_log", stdout=out, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_log_is_exported_as_json_lines(
    transactional_db: None, teacher: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security_export, "ROWS_AT_ONCE", 3)
    for number in range(7):
        account = colleague if number == 3 else teacher
        record(SecurityKind.SIGN_IN_FAILED, account=account)
    found = [each for each in export(since="2026-01-01") if each["kind"] == "sign_in_failed"]
    assert [each["account"] for each in found] == ["teacher"] * 3 + ["colleague"] + ["teacher"] * 3
    assert found[0]["at"].endswith("+00:00")
    own = export(since="2026-01-01", user="colleague")
    assert [each["kind"] for each in own] == ["account_made", "sign_in_failed"]
    again = export(since="2026-01-01")
    assert [each["kind"] for each in again[-2:]] == ["log_exported"] * 2
    assert again[-1]["account_id"] == colleague.pk
    assert export(since="2026-01-01", until="2026-01-02") == []
    deleted = str(colleague.pk)
    colleague.delete()
    assert {each["account"] for each in export(since="2026-01-01", user=deleted)} == {None}


def test_an_export_is_read_in_pieces(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows, no more than one piece is in memory; rows of one moment are not lost between two."""
    monkeypatch.setattr(security_export, "ROWS_AT_ONCE", 10)
    at = timezone.now()
    SecurityEvent.objects.bulk_create(SecurityEvent(at=at, kind="signed_in") for _ in range(35))
    with CaptureQueriesContext(connection) as captured:
        lines = security_export.lines(at - timedelta(days=1), at + timedelta(days=1))
        next(lines)
        assert len(captured) == 1 and "LIMIT 10" in captured[0]["sql"]
        assert len(list(lines)) == 34
    assert len(captured) == 4


@pytest.mark.parametrize(
    "options",
    [{"since": "yesterday"}, {"since": "2026-13-01"}, {"since": "2026-01-01", "user": "nobody"}],
    ids=["no time", "no month", "no account"],
)
def test_what_cannot_be_exported_is_said_in_one_line(transactional_db: None, options: dict[str, str]) -> None:
    with pytest.raises(CommandError, match=r"write 2026-11-01|There is no account"):
        export(**options)


def test_a_row_of_a_newer_release_is_shown_too(chief: Client) -> None:
    SecurityEvent.objects.create(kind="from_the_future")
    assert "from_the_future" in chief.get(LOG).content.decode()


def test_reprocess_by_support_names_the_teacher(desk: Client, batch: Batch, teacher: User) -> None:
    """So that she is told, when she asks, who has looked at what is hers."""
    upload = FileUpload.objects.filter(batch=batch).earliest("created_at")
    desk.get(reverse("admin:files_fileupload_trace", args=[upload.pk]))
    found = export(since="2026-01-01", user="teacher")
    assert [each["actor"] for each in found if each["kind"] == "trace_seen"] == ["helper"]


def test_an_administrator_of_the_group_reads_the_log(transactional_db: None) -> None:
    client = Client()
    client.force_login(create_account("administrator", "it.lindqvist", GOOD))
    row = SecurityEvent.objects.latest("pk")
    assert LOG in client.get("/admin/").content.decode()
    assert client.get(LOG).status_code == 200
    assert client.get(f"{LOG}{row.pk}/change/").status_code == 200
    assert client.post(f"{LOG}{row.pk}/delete/", {"post": "yes"}).status_code == 403
