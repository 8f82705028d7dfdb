"""Text analysis as a teacher and an integrator get it: API, essay page, results page, way of a file."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import translation

from batches.models import Batch
from essays.phases import analysis
from essays.shapes import EssayAnswer
from files.models import FileUpload
from huleedu.events.phases import essay_phase
from huleedu.models import WorkItem
from results.shapes import ResultsAnswer
from tests.api import checked, client_of
from tests.pipeline import Pipeline

PHASES = ("spellcheck", "analysis")
TEXT = (
    "The old house stood near the river. Nobody had lived there for years, because people were afraid of it. "
)


def make(
    pipeline: Pipeline, teacher: User, *essays: str, steps: Sequence[str] = PHASES, max_retries: int = 3
) -> Batch:
    batch = pipeline.register(teacher, len(essays), steps=list(steps), max_retries=max_retries)
    for number, essay in enumerate(essays, 1):
        pipeline.upload(batch, essay.encode(), f"{number}.txt")
    pipeline.run()
    return batch


def essay_id(batch: Batch, number: int) -> str:
    return str(batch.slots.get(number=number).pk)


def test_an_essay_is_analysed_after_its_spelling(pipeline: Pipeline, teacher: User) -> None:
    batch = make(pipeline, teacher, TEXT * 10, TEXT * 11)
    client = client_of(teacher)
    results = checked(ResultsAnswer, client.get(f"/v1/batches/{batch.pk}/results"))
    assert results["status"] == "completed"
    assert {name: phase["succeeded"] for name, phase in results["phases"].items()} == {
        "spellcheck": 2,
        "analysis": 2,
    }
    row = results["essays"][0]["analysis"]
    essay = checked(EssayAnswer, client.get(f"/v1/essays/{essay_id(batch, 1)}"))["analysis"]
    assert row == essay
    assert (row["words"], row["sentences"], row["paragraphs"], row["language"]) == (190, 20, 1, "en")
    assert row["lix"] is None and row["flesch"] > 60 and 0 < row["hdd"] < 1 and row["zipf"] > 4
    (first, _) = pipeline.events(batch, "AnalysisCompleted")
    assert first["essay_status"] == "completed"
    (checked_first, _) = pipeline.events(batch, "SpellcheckCompleted")
    assert checked_first["essay_status"] == "processing"


def test_a_batch_that_names_no_steps_is_not_analysed(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.completed(teacher, TEXT.encode())
    (row,) = client_of(teacher).get(f"/v1/batches/{batch.pk}/results").json()["essays"]
    assert row["analysis"] is None


def test_pages_show_an_essay_beside_its_batch_and_no_grade(
    pipeline: Pipeline, teacher: User, client: Client
) -> None:
    batch = make(pipeline, teacher, TEXT * 10, TEXT * 11, TEXT * 30)
    client.force_login(teacher)
    essay = client.get(f"/batches/{batch.pk}/essays/1/").content.decode()
    panel = essay.partition("<h2>Text analysis</h2>")[2].partition("</section>")[0]
    assert "Sentences" in panel and ">20<" in panel and ">22<" in panel  # its own and the median
    assert "They are no grade" in panel and "LIX" not in panel
    results = client.get(f"/batches/{batch.pk}/results/").content.decode()
    section = results.partition("<h2>Text analysis</h2>")[2].partition("</section>")[0]
    assert all(f">{value}<" in section for value in (20, 22, 60))
    upload = FileUpload.objects.filter(batch=batch)[0]
    trace = client.get(reverse("file-trace", args=[upload.pk])).content.decode()
    assert "The text was analysed." in trace


def test_pages_of_a_batch_without_spelling_do_not_wait_for_it(
    pipeline: Pipeline, teacher: User, client: Client
) -> None:
    batch = make(pipeline, teacher, TEXT, steps=["analysis"])
    client.force_login(teacher)
    page = client.get(f"/batches/{batch.pk}/essays/1/").content.decode()
    assert "Spelling is not marked in this batch." in page
    assert "is being checked" not in page


def test_an_analysis_that_is_given_up_says_so_in_its_own_words(
    pipeline: Pipeline, teacher: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = essay_phase("analysis")
    monkeypatch.setitem(vars(phase), "step", lambda text, language: 1 / 0)
    batch = make(pipeline, teacher, TEXT, max_retries=0)
    while WorkItem.objects.update(due_at=Now()):
        pipeline.run()
    batch.refresh_from_db()
    assert batch.status == "failed"
    (row,) = client_of(teacher).get(f"/v1/batches/{batch.pk}/results").json()["essays"]
    assert row["spellcheck"]["status"] == "succeeded"
    assert row["analysis"]["error"]["error_code"] == "ANALYSIS_FAILED"
    client.force_login(teacher)
    with translation.override("en"):
        assert (
            "The text analysis did not finish"
            in client.get(f"/batches/{batch.pk}/essays/1/").content.decode()
        )
        assert (
            "The text analysis did not finish" in client.get(f"/batches/{batch.pk}/results/").content.decode()
        )


def test_results_filter_by_this_step_and_its_code(pipeline: Pipeline, teacher: User) -> None:
    batch = make(pipeline, teacher, TEXT)
    client, address = client_of(teacher), f"/v1/batches/{batch.pk}/results"

    def found(query: str) -> int:
        answer: dict[str, Any] = checked(ResultsAnswer, client.get(f"{address}?{query}"))
        return len(answer["essays"])

    assert found("step=analysis") == 1
    assert found("step=analysis&min_findings=0") == 1
    assert found("error_code=ANALYSIS_FAILED") == 0
    assert client.get(f"{address}?step=grammar").status_code == 400


@pytest.mark.parametrize("language", ["sv", "en", "fi", ""])
def test_no_language_fails(language: str) -> None:
    outcome = analysis.analyse_text(TEXT, language)
    assert outcome.output == outcome.figures
    assert outcome.output["words"] == 19
