"""Accepting words by forms and by the API: works, nobody else's, bad input."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch
from essays.models import MAX_WORD, AcceptedWord
from essays.shapes import EssayAnswer
from tests.api import checked, client_of, problem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    return pipeline.completed(teacher, essay_bytes(1) + b" It was becouse of that.")


@pytest.fixture
def page(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def address(batch: Batch) -> str:
    return f"/batches/{batch.pk}/essays/1/accept/"


def test_a_form_accepts_and_marks_again(page: Client, batch: Batch) -> None:
    said = {"word": "becouse", "scope": "always"}
    response = page.post(address(batch), said, follow=True)
    assert "“becouse” is not marked any more." in response.content.decode()
    assert "becouse" in page.get("/account/words/").content.decode()
    page.post(address(batch), said | {"again": "on"})
    assert not AcceptedWord.objects.exists()


def test_a_word_of_ones_own_is_taken_off_the_list(page: Client, batch: Batch, teacher: User) -> None:
    word = AcceptedWord.objects.create(owner=teacher, word="becouse", folded="becouse")
    hers = AcceptedWord.objects.create(
        owner=User.objects.create_user("colleague"), word="hers", folded="hers"
    )
    page.post(f"/account/words/{hers.pk}/forget/")
    response = page.post(f"/account/words/{word.pk}/forget/", follow=True)
    assert "“becouse” is marked again." in response.content.decode()
    assert list(AcceptedWord.objects.all()) == [hers]


@pytest.mark.parametrize(
    "said", [{}, {"word": "", "scope": "batch"}, {"word": "x", "scope": "school"}, {"word": "x" * 201}]
)
def test_bad_input_changes_nothing(page: Client, batch: Batch, said: dict[str, str]) -> None:
    assert page.post(address(batch), said).status_code == 303
    assert not AcceptedWord.objects.exists()


def test_a_word_whose_letters_are_longer_folded(page: Client, batch: Batch) -> None:
    assert page.post(address(batch), {"word": "ΐ" * MAX_WORD, "scope": "essay"}).status_code == 303
    assert len(AcceptedWord.objects.get().folded) == 3 * MAX_WORD


def test_nobody_elses(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert client.post(address(batch), {"word": "becouse", "scope": "batch"}).status_code == 404


def test_the_api_says_the_same(batch: Batch, teacher: User) -> None:
    client, essay = client_of(teacher), f"/v1/essays/{batch.slots.get().pk}"
    before = checked(EssayAnswer, client.get(essay))["spellcheck"]["findings"]
    body = {"word": "becouse", "scope": "essay"}
    left = checked(EssayAnswer, client.post(f"{essay}/accepted", body, format="json"))
    assert [mark["word"] for mark in before if mark["word"] != "becouse"] == [
        mark["word"] for mark in left["spellcheck"]["findings"]
    ]
    again = client.post(f"{essay}/accepted", body | {"accepted": False}, format="json")
    assert checked(EssayAnswer, again)["spellcheck"]["findings"] == before
    bad = client.post(f"{essay}/accepted", body | {"scope": "school"}, format="json")
    assert problem(bad, 400, "INVALID")["errors"][0]["path"] == "scope"
    stranger = client_of(User.objects.create_user("stranger"))
    problem(stranger.post(f"{essay}/accepted", body, format="json"), 404, "NOT_FOUND")
