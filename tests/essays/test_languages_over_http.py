"""The language of a batch and of an essay over HTTP: API and forms, refusals, repeats, strangers."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from batches.actions import cancelling
from batches.models import Batch
from batches.shapes import RegisteredBatch
from essays.shapes import EssayAnswer
from files.models import FileUpload
from results.shapes import Analytics, ResultsAnswer, Snapshot
from tests.api import checked, client_of, problem, register
from tests.pipeline import Pipeline
from tests.rows import said_by

TEXTS = Path(__file__).resolve().parents[1] / "files" / "steps" / "languages"


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def text(name: str) -> bytes:
    return (TEXTS / f"{name}.txt").read_bytes()


@pytest.fixture
def batch(client: APIClient, pipeline: Pipeline) -> Batch:
    """A completed batch without a chosen language: Swedish, English, Norwegian."""
    answer = client.post("/v1/batches/register", {"expected_essay_count": 3}, format="json")
    made = Batch.objects.get(pk=checked(RegisteredBatch, answer, 201)["batch_id"])
    for name in ("sv", "en", "nb"):
        pipeline.upload(made, text(name), f"{name}.txt")
    pipeline.run()
    made.refresh_from_db()
    return made


def say(client: APIClient, address: str, language: object, **headers: str) -> Any:
    return client.post(f"{address}/language", {"language": language}, format="json", headers=headers)


def essay_id(batch: Batch, number: int) -> str:
    return str(batch.slots.get(number=number).pk)


def test_what_the_api_says_of_languages(client: APIClient, batch: Batch) -> None:
    snapshot = checked(Snapshot, client.get(f"/v1/batches/{batch.pk}"))
    assert (snapshot["language"], snapshot["language_chosen"]) == ("sv", False)
    told = {one["filename"]: one["language"] for one in snapshot["files"]}
    assert told == {"sv.txt": "sv", "en.txt": "en", "nb.txt": "nb"}
    results = checked(ResultsAnswer, client.get(f"/v1/batches/{batch.pk}/results"))
    assert [(one["language"], one["other_language"]) for one in results["essays"]] == [
        ("sv", False),
        ("en", True),
        ("nb", True),
    ]
    assert results["essays"][2]["spellcheck"]["error"]["error_code"] == "LANGUAGE_UNSUPPORTED"
    left_out = checked(Analytics, client.get(f"/v1/batches/{batch.pk}/analytics"))["left_out"]
    assert [one["filename"] for one in left_out] == ["en.txt", "nb.txt"]
    essay = checked(EssayAnswer, client.get(f"/v1/essays/{essay_id(batch, 2)}"))
    assert (essay["language"], essay["found_language"], essay["language_chosen"]) == ("en", "en", False)
    assert (essay["other_language"], essay["spellcheck"]["language"]) == (True, "en")
    third = checked(EssayAnswer, client.get(f"/v1/essays/{essay_id(batch, 3)}"))
    assert (third["language"], third["spellcheck"]["status"], third["status"]) == ("nb", "failed", "failed")


def test_the_batch_language_by_the_api(client: APIClient, batch: Batch) -> None:
    address = f"/v1/batches/{batch.pk}"
    key = {"Idempotency-Key": "one"}
    first = checked(Snapshot, say(client, address, "en", **key))
    assert (first["language"], first["language_chosen"], first["version"]) == ("en", True, 1)
    again = say(client, address, "en", **key)
    assert again.headers["Idempotent-Replayed"] == "true"
    problem(say(client, address, "sv", **{"If-Match": '"0"'}), 412, "BATCH_CHANGED")
    back = checked(Snapshot, say(client, address, None, **{"If-Match": '"1"'}))
    assert (back["language"], back["language_chosen"], back["version"]) == ("sv", False, 2)


@pytest.mark.parametrize("language", ["de", "", "SV", 1, ["sv"], True])
def test_languages_that_are_none(client: APIClient, batch: Batch, language: object) -> None:
    problem(say(client, f"/v1/batches/{batch.pk}", language), 400, "INVALID")
    problem(say(client, f"/v1/essays/{essay_id(batch, 1)}", language), 400, "INVALID")


def test_the_language_must_be_said(client: APIClient, batch: Batch) -> None:
    problem(client.post(f"/v1/batches/{batch.pk}/language", {}, format="json"), 400, "INVALID")


def test_one_essays_language_by_the_api(client: APIClient, pipeline: Pipeline, batch: Batch) -> None:
    address = f"/v1/essays/{essay_id(batch, 3)}"
    answer = checked(EssayAnswer, say(client, address, "sv"))
    assert (answer["language"], answer["found_language"], answer["language_chosen"]) == ("sv", "nb", True)
    pipeline.run()
    checked_again = checked(EssayAnswer, client.get(address))
    assert (checked_again["spellcheck"]["status"], checked_again["spellcheck"]["language"]) == (
        "succeeded",
        "sv",
    )
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    assert checked(EssayAnswer, say(client, address, None))["language"] == "nb"


def test_strangers_and_missing_ones(client: APIClient, colleague: User, batch: Batch) -> None:
    stranger = client_of(colleague)
    problem(say(stranger, f"/v1/batches/{batch.pk}", "en"), 404, "NOT_FOUND")
    problem(say(stranger, f"/v1/essays/{essay_id(batch, 1)}", "en"), 404, "NOT_FOUND")
    problem(say(client, "/v1/essays/none", "en"), 404, "NOT_FOUND")


def test_places_without_an_essay_and_cancelled_batches(client: APIClient, db: None) -> None:
    made = register(client, 1)
    problem(say(client, f"/v1/essays/{made['essays'][0]['essay_id']}", "sv"), 409, "NOT_AN_ESSAY")
    batch = Batch.objects.get(pk=made["batch_id"])
    cancelling.cancel(batch.pk, batch.owner)
    problem(say(client, f"/v1/batches/{batch.pk}", "sv"), 409, "BATCH_CLOSED")


@pytest.fixture
def browser(client: APIClient, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    signed_in = Client()
    signed_in.force_login(teacher)
    return signed_in


def test_forms_without_script(browser: Client, pipeline: Pipeline, batch: Batch) -> None:
    _, said = said_by(browser, f"/batches/{batch.pk}/actions/language/", {"language": "en", "version": 0})
    assert said == ["success: The language is changed. Essays that it concerns are checked again."]
    batch.refresh_from_db()
    assert (batch.language, batch.language_chosen) == ("en", True)
    _, said = said_by(browser, f"/batches/{batch.pk}/actions/language/", {"language": "sv", "version": 0})
    assert said[0].startswith("error:")
    response, said = said_by(browser, f"/batches/{batch.pk}/essays/3/language/", {"language": "sv"})
    assert response.headers["Location"] == f"/batches/{batch.pk}/essays/3/"
    assert said == ["success: The language of the essay is changed."]
    assert FileUpload.objects.get(batch=batch, slot__number=3).chosen_language == "sv"
    _, said = said_by(browser, f"/batches/{batch.pk}/essays/3/language/", {"language": "xx"})
    assert said[0].startswith("error:")


def test_marks_of_before_are_not_called_those_of_the_new_language(
    browser: Client, pipeline: Pipeline, batch: Batch
) -> None:
    page, again = f"/batches/{batch.pk}/essays/3/", "being checked again, in another language"
    assert again not in browser.get(page).content.decode()
    _, said = said_by(browser, f"{page}language/", {"language": "sv"})
    assert said == ["success: The language of the essay is changed."]
    shown = browser.get(page).content.decode()
    assert again in shown and "Swedish, and checked as such" not in shown
    pipeline.run()
    assert again not in browser.get(page).content.decode()


def test_strangers_forms(colleague: User, batch: Batch) -> None:
    stranger = Client()
    stranger.force_login(colleague)
    for address in (f"/batches/{batch.pk}/actions/language/", f"/batches/{batch.pk}/essays/1/language/"):
        assert stranger.post(address, {"language": "en"}).status_code == 404


@pytest.mark.parametrize(
    ("menus", "stray", "unchecked"),
    [
        ("en", "In English, and checked as such.", "In Norwegian. The spelling is not checked."),
        ("sv", "På engelska, och kontrolleras på det språket.", "På norska. Stavningen kontrolleras inte."),
    ],
)
def test_pages_say_it(browser: Client, batch: Batch, menus: str, stray: str, unchecked: str) -> None:
    headers = {"Accept-Language": menus}
    with translation.override(menus):
        for address in ("", "essays/", "results/"):
            page = browser.get(f"/batches/{batch.pk}/{address}", headers=headers).content.decode()
            assert stray in page, address
            assert unchecked in page, address
        assert stray in browser.get(f"/batches/{batch.pk}/essays/2/", headers=headers).content.decode()
        third = browser.get(f"/batches/{batch.pk}/essays/3/", headers=headers).content.decode()
        assert unchecked in third
    assert 'lang="nb"' in third


def test_results_name_who_is_left_out(browser: Client, batch: Batch) -> None:
    page = browser.get(f"/batches/{batch.pk}/results/", headers={"Accept-Language": "en"}).content.decode()
    assert "2 essays are in another language than the batch. The figures of the class leave them out:" in page
    assert "(en.txt, in English)" in page
    assert "(nb.txt, in Norwegian)" in page


def test_a_new_batch_asks_for_no_language(browser: Client) -> None:
    browser.post("/batches/new/", {"expected_essay_count": 2}, headers={"Accept-Language": "sv"})
    batch = Batch.objects.get()
    assert (batch.language, batch.language_chosen) == ("", False)
