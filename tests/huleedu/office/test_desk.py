"""Support's first page: what it finds, what it never tells, and what is written down."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html

from batches.models import Batch
from files.models import FileUpload
from huleedu.accounts.life import create_account
from huleedu.models import DeadLetter, LoggedEvent
from huleedu.office import desk as desk_module
from huleedu.office.finding import MOST, find
from huleedu.security_events import SecurityEvent
from tests.conftest import essay_bytes
from tests.huleedu.conftest import FILE_NAME
from tests.pipeline import Pipeline

DESK = "/admin/"
PUPIL = "Lindqvist"
REASON = "The teacher asks for it on the telephone"


def search(client: Client, term: str, **more: str) -> Any:
    """The page that a search leads to."""
    return client.post(DESK, {"q": term, **more}, follow=True)


def ids(answer: Any, table: str) -> list[str]:
    """The whole ids in the first column of a table."""
    cells = html.fromstring(answer.content).xpath(f"//table[@class='desk-{table}']/tbody//th")
    return [cell.text_content().strip() for cell in cells]


def where(answer: Any) -> str:
    """The path at which it ended."""
    return str(urlsplit(answer.redirect_chain[-1][0]).path)


def named_events() -> list[SecurityEvent]:
    return list(SecurityEvent.objects.filter(kind="names_searched").order_by("pk"))


def test_whatever_names_one_file_leads_to_its_page(desk: Client, batch: Batch) -> None:
    upload = batch.files.get(status="assigned")
    page = reverse("admin:files_fileupload_trace", args=[upload.pk])
    told = f"EMPTY_CONTENT · {upload.correlation_id}"
    for term in (
        str(upload.pk),
        upload.pk.hex.upper(),
        str(upload.pk)[:8],
        f" {str(upload.pk)[:11]} ",
        str(upload.slot_id),
        str(upload.raw_storage_id),
        str(upload.text_storage_id),
        told,
        f"Fil\n{upload.pk}\nKorrelation\n{upload.correlation_id}\n",
    ):
        assert where(search(desk, term)) == page, term


def test_a_code_that_an_event_alone_tells_of_finds_its_file(desk: Client, batch: Batch) -> None:
    """Each repeat has a correlation of its own; the teacher copies the newest one."""
    upload, correlation = batch.files.get(status="failed"), uuid4()
    LoggedEvent.objects.filter(file_upload_id=upload.pk, event_type="EssayValidationFailed").update(
        correlation_id=correlation
    )
    answer = search(desk, f"EMPTY_CONTENT · {correlation}")
    assert where(answer) == reverse("admin:files_fileupload_trace", args=[upload.pk])


def test_a_code_tells_which_of_the_files_that_came_together_is_meant(desk: Client, batch: Batch) -> None:
    """Files of one request share a correlation; what the teacher copied is about one of them."""
    failed, other = batch.files.get(status="failed"), batch.files.get(status="assigned")
    FileUpload.objects.filter(pk=other.pk).update(correlation_id=failed.correlation_id)
    answer = search(desk, f"EMPTY_CONTENT · {failed.correlation_id}")
    assert where(answer) == reverse("admin:files_fileupload_trace", args=[failed.pk])
    found = search(desk, f"TIMEOUT · {failed.correlation_id}")
    assert set(ids(found, "files")) == {str(failed.pk), str(other.pk)}, "none failed so: all are shown"


def test_a_batch_is_found_with_its_files(desk: Client, batch: Batch, teacher: User) -> None:
    for term in (str(batch.pk), str(batch.correlation_id)):
        answer = search(desk, term)
        assert ids(answer, "batches") == [str(batch.pk)], term
        assert set(ids(answer, "files")) == {str(pk) for pk in batch.files.values_list("pk", flat=True)}
        assert teacher.username in answer.content.decode()
    assert str(batch.pk) in ids(search(desk, str(batch.pk)[:8]), "batches")


def test_an_error_code_finds_this_weeks_files(desk: Client, batch: Batch) -> None:
    failed = batch.files.get(status="failed")
    answer = search(desk, "empty_content")
    assert where(answer) == reverse("admin:files_fileupload_trace", args=[failed.pk])
    FileUpload.objects.filter(pk=failed.pk).update(created_at="2026-01-01T00:00Z")
    answer = search(desk, "EMPTY_CONTENT")
    assert ids(answer, "files") == [] and "No text found" in answer.content.decode()


def test_a_teacher_is_found_by_name_or_address(desk: Client, batch: Batch, teacher: User) -> None:
    User.objects.filter(pk=teacher.pk).update(email="alma@school.example")
    failed = batch.files.get(status="failed")
    for term in (teacher.username, teacher.username.upper(), "Alma@School.example"):
        answer = search(desk, term)
        assert str(batch.pk) in ids(answer, "batches"), term
        assert str(failed.pk) in ids(answer, "files"), term
    create_account("teacher", teacher.username + ".more", "correct horse battery")
    page = search(desk, teacher.username[1:]).content.decode()
    assert teacher.username in page and f"{teacher.username}.more" in page


def test_what_is_nowhere_is_said_so(desk: Client, batch: Batch) -> None:
    for term in (str(uuid4()), "0" * 8, "TIMEOUT", "nobody at all", "%", "a\0b\0c", "' OR 1=1 --"):
        answer = search(desk, term)
        assert answer.status_code == 200, term
        assert ids(answer, "files") == ids(answer, "batches") == [], term
    assert search(desk, "").status_code == 200


def test_names_are_searched_for_a_reason_alone_and_never_shown(
    desk: Client, batch: Batch, support: User, teacher: User
) -> None:
    Batch.objects.filter(pk=batch.pk).update(title="Astrids sommar", folded="astrids sommar")
    for term in ("Lindqvist", "lindqvist hemuppgift", "sommar", FILE_NAME):
        first = search(desk, term)
        assert ids(first, "files") == ids(first, "batches") == [], term
        for reason in ("", "  ", "ok", "x" * 201):
            refused = search(desk, term, reason=reason)
            assert ids(refused, "files") == ids(refused, "batches") == [], (term, reason)
    assert named_events() == []
    found = search(desk, "lindqvist hemuppgift", reason=REASON)
    assert set(ids(found, "files")) >= {str(pk) for pk in batch.files.values_list("pk", flat=True)}
    assert ids(search(desk, "SOMMAR", reason=REASON), "batches") == [str(batch.pk)]
    told = named_events()
    assert [(each.actor_id, each.account_id, each.reason) for each in told] == [
        (support.pk, teacher.pk, REASON)
    ] * 2
    assert not any(word in str(vars(each)).lower() for each in told for word in ("lindqvist", "sommar"))
    page = html.fromstring(found.content)
    for field in page.xpath("//input[@name='q']"):
        field.attrib.pop("value", None)  # what she wrote herself
    assert PUPIL.lower() not in " ".join(map(str, page.xpath("//text() | //@*"))).lower()
    assert "Astrid" not in search(desk, str(batch.pk)).content.decode()


def test_a_name_that_is_nobodys_is_written_down_too(desk: Client, batch: Batch, support: User) -> None:
    assert "called so" in search(desk, "Nobodysson", reason=REASON).content.decode()
    (told,) = named_events()
    assert (told.actor_id, told.account_id, told.reason) == (support.pk, None, REASON)


def test_removed_files_and_short_words_are_not_found_by_name(desk: Client, batch: Batch) -> None:
    FileUpload.objects.filter(batch=batch, status="failed").update(status="removed")
    found = ids(search(desk, "Lindqvist", reason=REASON), "files")
    assert str(batch.files.get(status="removed").pk) not in found and found
    assert ids(search(desk, "as", reason=REASON), "files") == []


def test_no_name_without_the_log(desk: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(desk_module, "record", fail)
    desk.raise_request_exception = False
    assert search(desk, "Lindqvist", reason=REASON).status_code == 500


def test_what_was_searched_stands_in_no_address_and_a_reason_does_not_last(
    desk: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = search(desk, "Lindqvist", reason=REASON)
    address = answer.redirect_chain[-1][0]
    assert PUPIL not in address and parse_qs(urlsplit(address).query).keys() == {"s"}
    assert ids(desk.get(address), "files") == ids(answer, "files") != []
    other = Client()
    other.force_login(create_account("support", "other", "correct horse battery"))
    assert ids(other.get(address), "files") == []
    monkeypatch.setattr(desk_module, "NAMES_SECONDS", -1)
    over = search(desk, "Lindqvist", reason=REASON)
    assert ids(over, "files") == [] and "Search names" in over.content.decode()


def test_what_waits_for_somebody_is_counted(desk: Client, batch: Batch, pipeline: Pipeline) -> None:
    page = desk.get(DESK)
    assert page.context["dead_letters"] == 1 and page.context["stuck_number"] == 0
    assert [(each["code"], each["number"]) for each in page.context["failures"]] == [("EMPTY_CONTENT", 1)]
    assert "/admin/files/fileupload/?error_code=EMPTY_CONTENT" in page.content.decode()
    DeadLetter.objects.update(status="discarded")
    Batch.objects.filter(pk=batch.pk).update(status="processing", started_at="2026-01-01T00:00Z")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM huleedu_workitem")
        cursor.execute("DELETE FROM huleedu_outboxmessage")
    page = desk.get(DESK)
    assert page.context["dead_letters"] == 0
    assert [each.pk for each in page.context["stuck"]] == [batch.pk] and page.context["stuck_number"] == 1


def test_a_failed_step_counts_until_it_is_repeated(desk: Client, batch: Batch) -> None:
    run = batch.slots.get(file__status="assigned").step_runs.get()
    type(run).objects.filter(pk=run.pk).update(status="failed", error={"error_code": "SPELLCHECK_FAILED"})
    told = {each["code"]: each for each in desk.get(DESK).context["failures"]}
    assert "/essays/steprun/" in told["SPELLCHECK_FAILED"]["address"]
    batch.slots.update(revision=run.revision + 1)
    assert "SPELLCHECK_FAILED" not in {each["code"] for each in desk.get(DESK).context["failures"]}


def test_staff_without_the_group_finds_nothing(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("temp", password="correct horse battery", is_staff=True))
    upload = batch.files.earliest("created_at")
    for answer in (client.get(DESK), search(client, str(upload.pk)), search(client, PUPIL, reason=REASON)):
        assert answer.status_code == 200
        assert str(upload.pk) not in answer.content.decode() and "dead_letters" not in answer.context
    assert named_events() == []


def test_the_page_has_as_many_queries_however_much_is_found(
    desk: Client, batch: Batch, pipeline: Pipeline, teacher: User
) -> None:
    def queries() -> int:
        address = search(desk, "lindqvist", reason=REASON).redirect_chain[-1][0]
        with CaptureQueriesContext(connection) as captured:
            desk.get(address)
        return len(captured)

    before = queries()
    other = pipeline.register(teacher, 20)
    for number in range(20, 26):
        pipeline.upload(other, essay_bytes(number), FILE_NAME)
    assert queries() == before


def test_ids_are_looked_for_by_indexes(desk: Client, batch: Batch) -> None:
    """However large the tables are: with them this small, the planner reads them whole unless it may not."""
    upload = batch.files.get(status="assigned")
    for term in (str(upload.pk), str(upload.raw_storage_id), str(batch.pk), str(uuid4()), str(batch.pk)[:8]):
        with CaptureQueriesContext(connection) as captured:
            find(term)
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            for statement in [each["sql"] for each in captured]:
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                read_whole = [line for line in plan.splitlines() if "Seq Scan" in line]
                assert not [line for line in read_whole if "results_export" not in line], (term, statement)
            cursor.execute("SET enable_seqscan = on")


def test_only_the_newest_are_shown_and_it_is_said(
    desk: Client, batch: Batch, pipeline: Pipeline, teacher: User
) -> None:
    other = pipeline.register(teacher, 30)
    for number in range(20, 42):
        pipeline.upload(other, essay_bytes(number), FILE_NAME)
    answer = search(desk, "lindqvist", reason=REASON)
    assert len(ids(answer, "files")) == MOST and "Only the newest 20" in answer.content.decode()
