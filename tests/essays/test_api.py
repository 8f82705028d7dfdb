"""One essay over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from batches.models import Batch
from essays.shapes import EssayAnswer
from tests.api import MOMENT, body_of, checked, client_of, register
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
Queries = Callable[[int], Any]
TEXT = "This sentance has an eror in it. " * 3


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def test_an_essay_with_its_findings(client: APIClient, pipeline: Pipeline) -> None:
    batch = register(client, 1)
    upload = pipeline.upload(Batch.objects.get(pk=batch["batch_id"]), TEXT.encode())
    pipeline.run()
    answer = checked(EssayAnswer, client.get(f"/v1/essays/{batch['essays'][0]['essay_id']}"))
    assert answer["file_upload_id"] == str(upload.pk)
    assert (answer["number"], answer["status"], answer["language"]) == (1, "completed", "en")
    assert answer["text"].strip() == TEXT.strip()
    findings = answer["spellcheck"]["findings"]
    assert "sentance" in [finding["word"] for finding in findings]
    for finding in findings:
        assert answer["text"][finding["start"] : finding["end"]] == finding["word"]
    assert "sentence" in answer["spellcheck"]["corrected_text"]


def test_an_empty_place_has_nothing_to_show(client: APIClient, db: None) -> None:
    batch = register(client, 1)
    answer = checked(EssayAnswer, client.get(f"/v1/essays/{batch['essays'][0]['essay_id']}"))
    assert answer["status"] == "awaiting_content"
    nothing = ("text", "file_upload_id", "filename", "words", "characters", "spellcheck", "text_storage_id")
    assert [answer[name] for name in nothing] == [None] * len(nothing)


def test_only_the_present_text_counts(client: APIClient, pipeline: Pipeline, make_essay: Essays) -> None:
    batch = register(client, 1)
    address = f"/v1/essays/{batch['essays'][0]['essay_id']}"
    pipeline.upload(Batch.objects.get(pk=batch["batch_id"]), make_essay(1))
    pipeline.run()
    client.post(f"/v1/batches/{batch['batch_id']}/reprocess", {}, format="json")
    assert checked(EssayAnswer, client.get(address))["spellcheck"] is None
    pipeline.run()
    assert body_of(client.get(address))["spellcheck"]["status"] == "succeeded"


def test_reading_costs_a_constant_number_of_queries(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, django_assert_num_queries: Queries
) -> None:
    batch = register(client, 1)
    pipeline.upload(Batch.objects.get(pk=batch["batch_id"]), make_essay(1))
    pipeline.run()
    address = f"/v1/essays/{batch['essays'][0]['essay_id']}"
    client.get(address)
    with django_assert_num_queries(5 + MOMENT):
        client.get(address)
