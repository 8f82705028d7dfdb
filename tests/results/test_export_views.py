"""Pages of exports: menu, list, links that end; without script all of it works by forms."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.urls import reverse

from batches.models import Batch
from results.actions import exporting
from results.exports.registry import KINDS
from results.models import Export
from tests.pipeline import Pipeline
from tests.results.exports.material import ask, made
from tests.rows import said_by

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """One essay that is done."""
    return pipeline.completed(teacher, make_essay(1))


@pytest.fixture
def browser(client: Client, teacher: User) -> Client:
    """Where the teacher is signed in."""
    client.force_login(teacher)
    return client


def page(batch: Batch) -> str:
    return reverse("batch-exports", args=[batch.pk])


def test_every_page_of_the_batch_has_the_menu(browser: Client, batch: Batch) -> None:
    for name in ("batch", "essay-list", "results", "batch-exports"):
        text = browser.get(reverse(name, args=[batch.pk])).content.decode()
        for kind in KINDS:
            assert f'name="kind" value="{kind}"' in text, name


def test_asked_for_from_the_menu_it_stands_in_the_list(
    browser: Client, batch: Batch, pipeline: Pipeline
) -> None:
    response, said = said_by(browser, page(batch), {"kind": "csv"})
    assert response.status_code == 303 and response.headers["Location"] == page(batch)
    assert said == ["success: The export appears below. You can leave the page meanwhile."]
    text = browser.get(page(batch)).content.decode()
    assert "Waiting" in text and "data-open" in text
    pipeline.run()
    export = Export.objects.get()
    for address in (page(batch), reverse("export-list", args=[batch.pk])):
        text = browser.get(address).content.decode()
        assert f'href="/exports/{export.pk}/"' in text and "data-open" not in text


def test_an_unknown_kind_is_nothing_here(browser: Client, batch: Batch) -> None:
    assert browser.post(page(batch), {"kind": "exe"}).status_code == 404


def test_a_refusal_is_told(
    browser: Client, pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = pipeline.register(teacher, 1)
    monkeypatch.setitem(KINDS, "csv", replace(KINDS["csv"], needs_essays=True))
    _, said = said_by(browser, page(empty), {"kind": "csv"})
    assert said == ["error: No essay is ready yet. Add files, or wait until they are read."]


def test_cancel_and_try_again(browser: Client, batch: Batch, pipeline: Pipeline) -> None:
    export = ask(batch)
    _, said = said_by(browser, reverse("export-remove", args=[export.pk]), {})
    assert said == ["success: The export is cancelled."]
    assert "Make it again" in browser.get(page(batch)).content.decode()
    _, said = said_by(browser, reverse("export-retry", args=[export.pk]), {})
    assert said == ["success: The export is being made once more."]
    pipeline.run()
    _, said = said_by(browser, reverse("export-remove", args=[export.pk]), {})
    assert said == ["success: The export’s file is erased."]


def test_a_link_that_has_ended_says_so_in_words(browser: Client, batch: Batch, pipeline: Pipeline) -> None:
    export = made(pipeline, batch)
    Export.objects.update(ends_at=F("ends_at") - timedelta(days=8))
    response = browser.get(reverse("export-file", args=[export.pk]), headers={"Accept-Language": "sv"})
    assert response.status_code == 410
    assert page(batch) in response.content.decode()


def test_one_that_is_not_ready_leads_to_the_list(browser: Client, batch: Batch) -> None:
    export = ask(batch)
    response = browser.get(reverse("export-file", args=[export.pk]))
    assert response.status_code == 303 and response.headers["Location"] == page(batch)


def test_why_it_failed_and_what_was_left_out_is_told(browser: Client, batch: Batch) -> None:
    export = ask(batch)
    exporting.cancel(export.pk)
    Export.objects.update(
        status="failed", error_code="EXPORT_TOO_SLOW", left_out=[{"essay": 1, "code": "CONTENT_DAMAGED"}]
    )
    text = browser.get(page(batch), headers={"Accept-Language": "en"}).content.decode()
    assert "It took too long." in text and "What is stored of the file is damaged" in text


def test_a_stranger_gets_the_answer_of_a_missing_page(
    client: Client, batch: Batch, colleague: User, pipeline: Pipeline
) -> None:
    export = made(pipeline, batch)
    client.force_login(colleague)
    assert client.get(page(batch)).status_code == 404
    assert client.get(reverse("export-list", args=[batch.pk])).status_code == 404
    assert client.get(reverse("export-file", args=[export.pk])).status_code == 404
    assert client.post(reverse("export-remove", args=[export.pk])).status_code == 404
    assert client.post(reverse("export-retry", args=[export.pk])).status_code == 404
    client.logout()
    assert client.get(page(batch)).headers["Location"].startswith(reverse("login"))
