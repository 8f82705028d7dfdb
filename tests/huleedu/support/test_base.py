"""What pages of the admin show to everybody in support: ids, states and numbers, and where a file leads."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.rows import add_essay, make_batch

# Codes and what led to them; digests of bytes; the log of who gave which reason, for who may read that; and
# what somebody called her own token.
SHOWN = {
    "EssayResult": {"phases"},
    "FileUpload": {"error", "content_hash"},
    "StepRun": {"error"},
    "StoredContent": {"sha256"},
    "SecurityEvent": {"network", "reason"},
    "ApiToken": {"name"},
}


def test_no_page_shows_what_may_name_a_pupil_without_a_reason() -> None:
    for model, page in admin.site._registry.items():
        personal = set(getattr(model, "personal", ()))
        shown = {name for name in (*(page.fields or ()), *page.list_display) if isinstance(name, str)}
        assert shown & personal == SHOWN.get(model.__name__, set()), model


@pytest.mark.django_db
def test_a_batchs_page_names_neither_class_nor_title(support: User, teacher: User, client: Client) -> None:
    batch = make_batch(teacher)
    batch.change(class_name="9B Eva Lindqvist", title="Lindqvists uppsats")
    client.force_login(support)
    page = client.get(reverse("admin:batches_batch_change", args=[batch.pk])).content.decode()
    assert str(batch.pk) in page and "Lindqvist" not in page


@pytest.mark.django_db
def test_a_row_of_the_list_of_files_leads_to_the_files_page(
    support: User, teacher: User, client: Client
) -> None:
    file = add_essay(make_batch(teacher), 1, "one two three")
    client.force_login(support)
    page = client.get(reverse("admin:files_fileupload_changelist")).content.decode()
    assert f'href="{reverse("admin:files_fileupload_trace", args=[file.pk])}' in page
    assert reverse("admin:files_fileupload_change", args=[file.pk]) not in page
    fields = reverse("admin:files_fileupload_change", args=[file.pk])
    assert fields in client.get(reverse("admin:files_fileupload_trace", args=[file.pk])).content.decode()
