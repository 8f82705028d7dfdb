"""The settings page: filled as it is, saved as seen, refused at its field; nobody else's."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batches.actions import registering
from batches.actions.deciding import decide_as_seen
from batches.actions.describing import describe
from batches.actions.registering import Registration
from batches.models import Batch
from batches.shapes import MAX_ASSIGNMENT
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def batch(teacher: User) -> Batch:
    said = Registration(2, title="Hösten", class_name="9B", language="sv", assignment="Skriv.")
    return registering.register(teacher, said)


@pytest.fixture
def page(teacher: User, client: Client) -> Client:
    client.force_login(teacher)
    return client


def address(batch: Batch) -> str:
    return f"/batches/{batch.pk}/settings/"


def as_shown(page: Client, batch: Batch) -> dict[str, Any]:
    """What a browser sends back when nothing is changed."""
    form = page.get(address(batch)).context["form"]
    values = {name: form[name].value() for name in form.fields}
    values["deadline"] = values["deadline"].strftime("%Y-%m-%dT%H:%M")
    return {name: value for name, value in values.items() if value is not None and value is not False}


def test_saving_what_is_shown_changes_nothing(page: Client, batch: Batch) -> None:
    said = as_shown(page, batch)
    assert (said["title"], said["class_name"], said["language"]) == ("Hösten", "9B", "sv")
    response = page.post(address(batch), said)
    assert (response.status_code, response["Location"]) == (303, f"/batches/{batch.pk}/")
    batch.refresh_from_db()
    assert batch.version == 0


def test_lines_as_a_browser_sends_them_change_nothing(page: Client, batch: Batch) -> None:
    text = "x" * (MAX_ASSIGNMENT - 3) + "\nå\n"
    Batch.objects.update(assignment=text)
    said = as_shown(page, batch) | {"assignment": text.replace("\n", "\r\n")}
    assert page.post(address(batch), said).status_code == 303
    batch.refresh_from_db()
    assert (batch.version, batch.assignment) == (0, text)
    page.post(address(batch), said | {"assignment": "a\r\nb"})
    batch.refresh_from_db()
    assert batch.assignment == "a\nb"


def test_only_what_was_changed_is_set(page: Client, batch: Batch) -> None:
    later = timezone.localtime(batch.deadline + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    said = as_shown(page, batch) | {"title": "Våren", "language": "", "deadline": later}
    said.pop("auto_start")
    page.post(address(batch), said)
    batch.refresh_from_db()
    assert (batch.title, batch.class_name, batch.language) == ("Våren", "9B", "")
    assert not batch.settings.auto_start
    assert timezone.localtime(batch.deadline).strftime("%Y-%m-%dT%H:%M") == later


def test_what_somebody_decided_meanwhile_is_not_overwritten(
    page: Client, batch: Batch, teacher: User
) -> None:
    said = as_shown(page, batch) | {"title": "Våren"}
    decide_as_seen(batch.pk, None, lambda: describe(batch.pk, teacher, {"class_name": "9C"}))
    response = page.post(address(batch), said)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    batch.refresh_from_db()
    assert (batch.title, batch.class_name) == ("Hösten", "9C")


def test_a_refusal_stands_at_its_field(page: Client, batch: Batch, pipeline: Pipeline) -> None:
    for number in range(2):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.run()
    said = {**as_shown_later(page, batch), "expected_essay_count": 1}
    form = page.post(address(batch), said).context["form"]
    assert list(form.errors) == ["expected_essay_count"]


def as_shown_later(page: Client, batch: Batch) -> dict[str, Any]:
    """As ``as_shown``, of a batch that has started: there is no deadline to set."""
    form = page.get(address(batch)).context["form"]
    assert "deadline" not in form.fields
    return {name: form[name].value() for name in form.fields if form[name].value()}


def test_a_piece_is_answered_to_a_script(page: Client, batch: Batch) -> None:
    said = as_shown(page, batch) | {"language": "en"}
    answer = page.post(address(batch), said, headers=FRAGMENT)
    assert answer.status_code == 200
    assert b"<main" not in answer.content
    assert b"checked again" in answer.content
    head = page.get(f"/batches/{batch.pk}/head/").content.decode()
    assert "in English" in head
    assert 'data-state="1 en"' in head


def test_nobody_elses(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert client.get(address(batch)).status_code == 404
    assert client.post(address(batch), {"title": "Min"}).status_code == 404
    assert client.get(f"/batches/{batch.pk}/head/").status_code == 404
