"""Support staff: everything can be looked at, nothing changed, no essay text seen; failed things go again."""

import re
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches.models import Batch
from essays.models import StepRun
from files.models import FileUpload
from huleedu.accounts.authentication import make_token
from huleedu.accounts.permissions import DONE, VIEWED, grant_support
from huleedu.models import ApiToken, DeadLetter, LoggedEvent, OutboxMessage, Timer, WorkItem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

FILE_NAME = "Astrid Lindqvist hemuppgift.txt"
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|\son\w+=|\sstyle=|javascript:")


def pages(model_label: str) -> list[str]:
    """The list of a model and the page of one row."""
    model = apps.get_model(model_label)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    listing = reverse(f"{name}_changelist")
    return [listing, reverse(f"{name}_change", args=[row.pk])] if row else [listing]


def test_every_page_opens_without_text_names_or_inline_code(desk: Client, batch: Batch) -> None:
    run = StepRun.objects.get(slot__batch=batch)
    assert run.output and run.output["findings"]
    for address in [address for label in VIEWED for address in pages(label)]:
        answer = desk.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200, address
        assert "strange" not in page and "secret" not in page, address
        assert not INLINE.search(page), (address, INLINE.search(page))
        assert "Lindqvist" not in page, address
        for button in ("_save", r"\bDelete\b", "deletelink"):
            assert not re.search(button, page), address


def test_nothing_can_be_added_changed_or_deleted_by_anyone(desk: Client, batch: Batch, support: User) -> None:
    chief = User.objects.create_superuser("chief", password="correct horse battery")
    for user in (support, chief):
        desk.force_login(user)
        for label in VIEWED:
            check_unchangeable(desk, label)


def check_unchangeable(desk: Client, label: str) -> None:
    model = apps.get_model(label)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    before = list(model._default_manager.values())
    assert desk.post(reverse(f"{name}_add"), {}).status_code == 403
    if row:
        assert desk.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert desk.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        desk.post(reverse(f"{name}_changelist"), chosen)
    assert list(model._default_manager.values()) == before


def test_a_teacher_has_no_admin(client: Client, batch: Batch, teacher: User) -> None:
    client.force_login(teacher)
    upload = FileUpload.objects.filter(batch=batch).earliest("created_at")
    addresses = [address for label in VIEWED for address in pages(label)]
    for address in [
        reverse("admin:index"),
        reverse("admin:files_fileupload_trace", args=[upload.pk]),
        *addresses,
    ]:
        answer = client.get(address)
        assert answer.status_code == 302 and "/admin/login/" in answer["Location"], address
    press = reverse("admin:files_fileupload_do", args=[upload.pk, "reprocess"])
    assert client.post(press).status_code == 302
    assert FileUpload.objects.get(pk=upload.pk).revision == upload.revision


def test_the_index_shows_only_the_machinery(desk: Client) -> None:
    page = desk.get(reverse("admin:index")).content.decode()
    assert "HuleEdu" in page and "Django administration" not in page
    assert "django_q" not in page and "/admin/auth/" not in page


def test_support_has_exactly_its_permissions(transactional_db: None) -> None:
    grant_support()
    grant_support()
    group = Group.objects.get(name="support")
    names = {
        f"{app}.{code}" for app, code in group.permissions.values_list("content_type__app_label", "codename")
    }
    views = {f"{label.split('.')[0]}.view_{label.split('.')[1].lower()}" for label in VIEWED}
    assert names == views | {f"{label.split('.')[0]}.{code}" for label, code, _name in DONE}


def test_staff_without_the_group_sees_nothing(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("temp", password="correct horse battery", is_staff=True))
    upload = FileUpload.objects.filter(batch=batch).earliest("created_at")
    assert client.get(reverse("admin:files_fileupload_trace", args=[upload.pk])).status_code == 403
    assert client.post(reverse("admin:files_fileupload_do", args=[upload.pk, "reprocess"])).status_code == 403
    for label in VIEWED:
        assert client.get(pages(label)[0]).status_code == 403


def test_a_search_for_nonsense_finds_nothing(desk: Client, batch: Batch) -> None:
    for label in [label for label in VIEWED if label != "huleedu.RelayPresence"]:
        for term in ("not-a-uuid", "' OR 1=1 --", "%", "åäö" * 500, str(uuid4())):
            answer = desk.get(pages(label)[0], {"q": term})
            assert answer.status_code == 200
            assert answer.context["cl"].queryset.count() == 0, (label, term)


def may_be_asked_by_address(listing: Any) -> set[str]:
    """The fields that a list's own filters ask for."""
    return {getattr(told, "parameter_name", told) for told in listing.list_filter}


def test_no_list_answers_what_a_field_it_does_not_show_holds(
    client: Client, batch: Batch, teacher: User
) -> None:
    """Asked letter by letter, the length of a list would tell names, essays, and hashes of passwords."""
    client.force_login(User.objects.create_superuser("chief", password="correct horse battery"))
    for model, listing in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert client.get(address, {"no_such_field": "x"}).status_code == 400
        for field in model._meta.get_fields():
            if field.name in may_be_asked_by_address(listing):
                continue
            for lookup in ("", "__startswith", "__password__startswith"):
                answer = client.get(address, {field.name + lookup: "0"})
                assert answer.status_code == 400, (model, field.name, lookup)


def test_what_no_text_can_hold_is_never_a_failure_of_ours(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_superuser("chief", password="correct horse battery"))
    for model, listing in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for filtered in may_be_asked_by_address(listing):
            for lookup in ("", "__exact", "__in"):
                answer = client.get(reverse(f"{name}_changelist"), {filtered + lookup: "a\0"})
                assert answer.status_code == 400, (model, filtered, lookup)
        for view in ("change", "history", "delete"):
            answer = client.get(reverse(f"{name}_{view}", args=["a\0"]))
            assert answer.status_code in (302, 403, 404), (model, view)


def test_support_learns_no_name_or_text_from_the_length_of_a_list(desk: Client, batch: Batch) -> None:
    for address, asked in {
        "admin:essays_steprun_changelist": {"output__icontains": "strangge"},
        "admin:files_fileupload_changelist": {"filename__startswith": "Astrid"},
        "admin:huleedu_loggedevent_changelist": {"envelope__data__filename__startswith": "Astrid"},
        "admin:huleedu_apitoken_changelist": {"digest__startswith": "0"},
    }.items():
        assert desk.get(reverse(address), asked).status_code == 400, address


def test_a_list_is_filtered_by_its_own_filters(desk: Client, batch: Batch) -> None:
    files = reverse("admin:files_fileupload_changelist")
    for asked, found in (
        ({"status__exact": "failed"}, 1),
        ({"status": "failed"}, 1),
        ({"error_code": "EMPTY_CONTENT"}, 1),
        ({"status__exact": "no such"}, 0),
    ):
        answer = desk.get(files, asked)
        assert answer.status_code == 200, asked
        assert answer.context["cl"].queryset.count() == found, asked


def test_files_are_found_by_each_of_their_ids(desk: Client, batch: Batch) -> None:
    upload = batch.files.get(status="assigned")
    listing = reverse("admin:files_fileupload_changelist")
    for term in (upload.pk, upload.correlation_id, upload.pk.hex, f"  {upload.slot_id} "):
        found = desk.get(listing, {"q": str(term)}).context["cl"].queryset
        assert [each.pk for each in found] == [upload.pk], term
    found = desk.get(listing, {"q": str(batch.pk)}).context["cl"].queryset
    assert {each.batch_id for each in found} == {batch.pk} and len(found) == 2


def test_files_are_filtered_by_error_code(desk: Client, batch: Batch) -> None:
    listing = reverse("admin:files_fileupload_changelist")
    found = desk.get(listing, {"error_code": "EMPTY_CONTENT"}).context["cl"].queryset
    assert [each.status for each in found] == ["failed"]
    assert not desk.get(listing, {"error_code": "TIMEOUT"}).context["cl"].queryset


def test_the_trace_of_one_file_is_on_one_screen(desk: Client, batch: Batch) -> None:
    upload = batch.files.get(status="assigned")
    change = desk.get(reverse("admin:files_fileupload_change", args=[upload.pk])).content.decode()
    address = reverse("admin:files_fileupload_trace", args=[upload.pk])
    assert f'href="{address}"' in change
    answer = desk.get(address)
    page = answer.content.decode()
    rows = LoggedEvent.objects.filter(file_upload_id=upload.pk)
    assert [event.pk for event, _data in answer.context["events"]] == [row.pk for row in rows.order_by("id")]
    for name in ("BatchFileAdded", "EssayContentProvisioned", "EssaySlotAssigned", "SpellcheckCompleted"):
        assert name in page
    assert str(rows.earliest("id").envelope["data"]["raw_storage_id"]) in page
    assert "extract" in page and "spellcheck" in page and "ValueError" in page
    assert "Lindqvist" not in page and "strangge" not in page
    assert not INLINE.search(page), INLINE.search(page)
    assert desk.get(reverse("admin:files_fileupload_trace", args=[uuid4()])).status_code == 404


def test_support_has_a_failed_file_read_again(desk: Client, batch: Batch, pipeline: Pipeline) -> None:
    upload = batch.files.get(status="failed")
    WorkItem.objects.all().delete()
    answer = desk.post(reverse("admin:files_fileupload_do", args=[upload.pk, "reprocess"]), follow=True)
    assert "The file is being read again." in answer.content.decode()
    pipeline.run()
    (event,) = pipeline.events(batch, "FileReprocessRequested")
    assert event["requested_by"] == User.objects.get(username="helper").pk
    upload.refresh_from_db()
    assert (upload.status, upload.revision) == ("failed", 1)


def test_the_spelling_check_runs_again_and_refusals_are_plain(
    desk: Client, batch: Batch, pipeline: Pipeline
) -> None:
    WorkItem.objects.all().delete()
    chosen = {
        "action": "repeat_spellcheck",
        "_selected_action": [str(pk) for pk in batch.files.values_list("pk", flat=True)],
    }
    answer = desk.post(reverse("admin:files_fileupload_changelist"), chosen, follow=True)
    page = answer.content.decode()
    assert "Done for 1." in page
    assert "The file is not an essay yet." in page
    pipeline.run()
    assert pipeline.event_types(batch).count("SpellcheckCompleted") == 2


def test_buttons_take_posts_only_and_known_deeds_only(desk: Client, batch: Batch) -> None:
    letter = DeadLetter.objects.get()
    assert desk.get(reverse("admin:huleedu_deadletter_do", args=[letter.pk, "discard"])).status_code == 405
    assert desk.post(reverse("admin:huleedu_deadletter_do", args=[letter.pk, "explode"])).status_code == 403
    assert (
        desk.post(reverse("admin:huleedu_deadletter_do", args=[letter.pk + 1, "discard"])).status_code == 404
    )


def test_a_dead_letter_is_discarded_and_one_replayed(desk: Client, batch: Batch, support: User) -> None:
    letter = DeadLetter.objects.get()
    page = desk.get(reverse("admin:huleedu_deadletter_change", args=[letter.pk])).content.decode()
    assert "Replay" in page and "Discard" in page
    desk.post(reverse("admin:huleedu_deadletter_do", args=[letter.pk, "discard"]))
    letter.refresh_from_db()
    assert (letter.status, letter.handled_by_id) == ("discarded", support.pk)

    letter.pk = None
    letter.status = "dead"
    letter.save()
    chosen = {"action": "replay", "_selected_action": [letter.pk]}
    desk.post(reverse("admin:huleedu_deadletter_changelist"), chosen)
    letter.refresh_from_db()
    assert letter.status == "replayed"
    assert OutboxMessage.objects.filter(event_id=letter.event_id).exists()


def test_a_token_is_revoked_once(desk: Client, batch: Batch) -> None:
    token = ApiToken.objects.get()
    page = desk.get(reverse("admin:huleedu_apitoken_change", args=[token.pk])).content.decode()
    assert token.digest not in page
    address = reverse("admin:huleedu_apitoken_do", args=[token.pk, "revoke"])
    desk.post(address)
    token.refresh_from_db()
    first = token.revoked_at
    assert first is not None
    desk.post(address)
    token.refresh_from_db()
    assert token.revoked_at == first


def test_lists_have_the_same_number_of_queries_however_long(
    desk: Client, batch: Batch, pipeline: Pipeline, teacher: User
) -> None:
    labels = ("files.FileUpload", "batches.Batch", "huleedu.ApiToken", "files.StoredContent")
    before = [queries_of(desk, label) for label in labels]
    other = pipeline.register(teacher, 20)
    for number in range(20, 25):
        pipeline.upload(other, essay_bytes(number))
        make_token(teacher, "another")
    assert [queries_of(desk, label) for label in labels] == before


def queries_of(desk: Client, label: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        desk.get(pages(label)[0])
    return len(queries)


def test_nothing_else_is_registered() -> None:
    labels = {model._meta.label for model in admin.site._registry}
    assert labels == {*VIEWED, "auth.User", "huleedu.SecurityEvent"}
    assert Timer in admin.site._registry


def test_support_sees_in_which_language_an_essay_was_taken(desk: Client, batch: Batch) -> None:
    upload = FileUpload.objects.filter(batch=batch, slot__isnull=False).earliest("created_at")
    run = StepRun.objects.get(slot=upload.slot_id)
    FileUpload.objects.filter(pk=upload.pk).update(language="nb", chosen_language="en")
    StepRun.objects.filter(pk=run.pk).update(language="sv")
    file_page = desk.get(reverse("admin:files_fileupload_change", args=[upload.pk])).content.decode()
    run_page = desk.get(reverse("admin:essays_steprun_change", args=[run.pk])).content.decode()
    assert shown(file_page, "language") == "nb"
    assert shown(file_page, "chosen_language") == "English"
    assert shown(run_page, "language") == "sv"


def shown(page: str, field: str) -> str:
    """What a row's page says of one field."""
    found = re.search(rf'field-{field}">.*?class="readonly">(.*?)</div>', page, re.DOTALL)
    return found[1].strip() if found else "nothing"
