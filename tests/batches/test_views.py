"""Forms about a batch: what they do, and what they say when they may not."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from batches.models import Batch
from tests.rows import add_essay, make_batch, said_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    client.force_login(teacher)
    return client


def act(client: Client, batch: Batch, name: str, **said: object) -> tuple[HttpResponseBase, list[str]]:
    """Send the form of one action; the answer, and what the next page says."""
    return said_by(client, f"/batches/{batch.pk}/actions/{name}/", said)


def test_new_batch_is_made_as_it_was_filled_in(signed_in: Client, teacher: User) -> None:
    said = {"title": " My town ", "class_name": "9B", "expected_essay_count": "28", "language": "en"}
    response = signed_in.post(reverse("batch-new"), said)
    batch = Batch.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == reverse("batch", args=[batch.pk])
    assert (batch.owner, batch.title, batch.class_name, batch.language) == (teacher, "My town", "9B", "en")
    assert batch.slots.count() == batch.expected_essay_count == 28
    assert batch.settings.steps == []
    signed_in.post(reverse("batch-new"), {**said, "spellcheck": "on"})
    assert Batch.objects.latest("created_at").settings.steps == ["spellcheck"]


def test_a_form_that_is_sent_twice_has_one_effect(signed_in: Client, teacher: User, colleague: User) -> None:
    form = signed_in.get(reverse("batch-new")).context["form"]
    said = {"expected_essay_count": "28", "language": "en", "once": str(form["once"].value())}
    first, again = (signed_in.post(reverse("batch-new"), said) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert Batch.objects.count() == 1
    assert signed_in.get(reverse("batch-new")).context["form"]["once"].value() != form["once"].value()
    signed_in.force_login(colleague)
    assert signed_in.post(reverse("batch-new"), said).headers["Location"] != first.headers["Location"]

    batch = make_batch(teacher)
    signed_in.force_login(teacher)
    before = batch.deadline
    for _ in range(2):
        act(signed_in, batch, "extend", seconds=86_400, version=0)
    batch.refresh_from_db()
    assert batch.deadline - before == timedelta(days=1)


def test_new_batch_form_is_shown_with_its_choices(signed_in: Client) -> None:
    page = signed_in.get(reverse("batch-new"), headers={"Accept-Language": "sv"})
    assert page.status_code == 200
    assert not page.context["form"]["language"].value()  # whatever the language of the menus is
    assert page.context["form"]["spellcheck"].value() is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expected_essay_count", "0"),
        ("expected_essay_count", "201"),
        ("expected_essay_count", "many"),
        ("expected_essay_count", ""),
        ("language", "de"),
        ("title", "x" * 201),
        ("title", "a\0b"),
        ("class_name", "x" * 81),
    ],
)
def test_new_batch_says_what_is_wrong(signed_in: Client, field: str, value: str) -> None:
    said = {"title": "", "class_name": "", "expected_essay_count": "1", "language": "sv", field: value}
    response = signed_in.post(reverse("batch-new"), said)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert not Batch.objects.exists()


@pytest.mark.parametrize("number", ["", "0", "201", "1.5", "many"])
def test_a_wrong_number_is_said_in_plain_words(signed_in: Client, number: str) -> None:
    said = {"expected_essay_count": number, "language": "sv"}
    response = signed_in.post(reverse("batch-new"), said, headers={"Accept-Language": "en"})
    assert response.context["form"].errors["expected_essay_count"] == ["Write a number from 1 to 200."]


def test_new_batch_takes_one_and_two_hundred(signed_in: Client) -> None:
    for number in (1, 200):
        said = {"expected_essay_count": number, "language": "sv"}
        assert signed_in.post(reverse("batch-new"), said).status_code == 303


def test_expect_changes_the_number(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher, 5)
    response, said = act(signed_in, batch, "expect", expected_essay_count=7)
    batch.refresh_from_db()
    assert batch.expected_essay_count == 7
    assert (response.status_code, response.headers["Location"]) == (303, reverse("batch", args=[batch.pk]))
    assert [text.split(":")[0] for text in said] == ["success"]


def test_expect_says_why_not(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher, 2)
    for number in (1, 2):
        add_essay(batch, number, "one two")
    _, said = act(signed_in, batch, "expect", expected_essay_count=1)
    assert said == ["error: The batch holds more essays than that. Remove files first."]
    for wrong in ("0", "201", "x", ""):
        _, said = act(signed_in, batch, "expect", expected_essay_count=wrong)
        assert said == ["error: Some values are not right. See the list of errors."], wrong
    batch.refresh_from_db()
    assert batch.expected_essay_count == 2


def test_the_form_of_an_older_page_overwrites_nothing(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher, expected=7)
    page = signed_in.get(reverse("batch", args=[batch.pk])).content.decode()
    assert '<input type="hidden" name="version" value="0">' in page
    act(signed_in, batch, "expect", expected_essay_count=10, version=0)
    _, said = act(signed_in, batch, "expect", expected_essay_count=8, version=0)
    assert said == [
        "error: The batch was changed meanwhile, perhaps in another tab. Look again, then decide."
    ]
    batch.refresh_from_db()
    assert batch.expected_essay_count == 10
    _, said = act(signed_in, batch, "expect", expected_essay_count=8, version=1)
    assert said == ["success: The number of essays is changed."]


def test_extend_moves_the_deadline(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    before = batch.deadline
    response, _ = act(signed_in, batch, "extend", seconds=86400)
    batch.refresh_from_db()
    assert response.status_code == 303
    assert (batch.deadline - before).days == 1
    _, said = act(signed_in, batch, "extend", seconds=90 * 86400)
    assert said == ["error: The deadline may be at most 90 days away."]


def test_cancel_ends_the_batch_and_nothing_more_is_done(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    act(signed_in, batch, "cancel", reason="wrong class")
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CANCELLED
    _, said = act(signed_in, batch, "expect", expected_essay_count=9)
    assert said == ["error: The batch is over: nothing of it can be changed this way."]


@pytest.mark.parametrize("name", ["extend", "expect", "cancel", "start"])
def test_actions_are_for_the_owner_by_post(client: Client, teacher: User, colleague: User, name: str) -> None:
    batch = make_batch(teacher)
    said = {"seconds": 60, "expected_essay_count": 9}
    response, _ = act(client, batch, name, **said)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("login"))
    client.force_login(colleague)
    assert act(client, batch, name, **said)[0].status_code == 404
    client.force_login(teacher)
    assert client.get(f"/batches/{batch.pk}/actions/{name}/").status_code == 405
    batch.refresh_from_db()
    assert (batch.version, batch.status) == (0, Batch.Status.AWAITING_CONTENT)


def test_unknown_batches_and_actions_are_not_found(signed_in: Client, teacher: User) -> None:
    assert signed_in.post(f"/batches/{uuid4()}/actions/cancel/").status_code == 404
    assert signed_in.post(f"/batches/{make_batch(teacher).pk}/actions/explode/").status_code == 404


def test_forms_from_elsewhere_are_refused(teacher: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(teacher)
    response = strict.post(reverse("batch-new"), {"expected_essay_count": 3, "language": "sv"})
    assert response.status_code == 403
    assert "<h1>" in response.content.decode()
    assert not Batch.objects.exists()
