"""Each essay in its own language; a batch's from its essays; what a change concerns is checked again."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db.models.functions import Now

from batches.actions import cancelling, registering
from batches.actions.registering import Registration
from batches.configuration import Configuration
from batches.models import Batch
from essays.actions import batch_language, essay_language
from essays.actions.starting import start
from essays.models import StepRun
from files.actions import removing, replacing
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.events.phases import essay_phase
from huleedu.failures.errors import Refused, StepError
from huleedu.models import DeadLetter, OutboxMessage
from results.analytics import analytics
from results.lines import file_lines
from results.marks import stored_findings
from results.models import BatchResult, EssayResult
from results.queries import counts_of, results, snapshot
from results.spelling import common_marks
from results.summary import tiles
from tests.pipeline import Pipeline

TEXTS = Path(__file__).resolve().parents[2] / "files" / "steps" / "languages"
UNCLEAR = "Anna Berg 1, Nils Ek 2, Ida Dahl 3, Omar Ali 4, Bo Lind 5."


def text(name: str, number: int = 0) -> bytes:
    return f"{(TEXTS / f'{name}.txt').read_text(encoding='utf-8')}\n{number}\n".encode()


def register(teacher: User, expected: int, language: str = "", **configuration: object) -> Batch:
    settings = Configuration.model_validate(configuration)
    said = Registration(expected, language=language, configuration=settings)
    return registering.register(teacher, said)


def fill(pipeline: Pipeline, batch: Batch, *contents: bytes) -> list[FileUpload]:
    uploads = [pipeline.upload(batch, one) for one in contents]
    pipeline.run()
    batch.refresh_from_db()
    for upload in uploads:
        upload.refresh_from_db()
    return uploads


def run_of(upload: FileUpload) -> StepRun:
    assert upload.slot is not None
    upload.slot.refresh_from_db()
    return StepRun.objects.get(slot=upload.slot, revision=upload.slot.revision)


def revisions(uploads: list[FileUpload]) -> list[int]:
    return [run_of(one).revision for one in uploads]


def test_a_stray_is_checked_in_its_own_language_and_says_so(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2, "en")
    swedish, english = fill(pipeline, batch, text("sv"), text("en"))
    assert batch.status == Batch.Status.COMPLETED
    assert (run_of(swedish).language, run_of(english).language) == ("sv", "en")
    # In English it had 40 marks.
    marked = [finding["word"] for finding in (run_of(swedish).output or {})["findings"]]
    assert len(marked) < 5
    rows = {row["number"]: row for row in results(batch).model_dump()["essays"]}
    assert (rows[1]["language"], rows[1]["other_language"], rows[1]["spellcheck"]["language"]) == (
        "sv",
        True,
        "sv",
    )
    assert (rows[2]["language"], rows[2]["other_language"]) == ("en", False)
    assert [one.language for one in snapshot(batch).files] == ["sv", "en"]


def test_the_batch_takes_its_language_from_its_first_essays(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 6)
    assert snapshot(batch).language is None
    fill(pipeline, batch, text("en", 1), text("sv", 1), text("sv", 2), text("sv", 3))
    assert batch.language == ""
    fill(pipeline, batch, text("sv", 4))
    assert (batch.language, batch.language_chosen) == ("sv", False)
    fill(pipeline, batch, text("en", 2))
    assert batch.status == Batch.Status.COMPLETED
    assert pipeline.event_types(batch).count("BatchLanguageFound") == 1


def test_later_strays_do_not_turn_it(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 10)
    fill(pipeline, batch, *(text("sv", number) for number in range(3)))
    fill(pipeline, batch, *(text("en", number) for number in range(7)))
    assert (batch.language, batch.status) == ("sv", Batch.Status.COMPLETED)


def test_a_small_batch_knows_when_it_is_ready(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 1)
    fill(pipeline, batch, text("en"))
    assert (batch.language, batch.status) == ("en", Batch.Status.COMPLETED)


def test_a_chosen_language_stays(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 4, "en")
    fill(pipeline, batch, *(text("sv", number) for number in range(4)))
    assert (batch.language, batch.language_chosen) == ("en", True)


def test_a_third_language_is_told_and_not_checked(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 3)
    norwegian, _, _ = fill(pipeline, batch, text("nb"), text("sv", 1), text("sv", 2))
    assert batch.status == Batch.Status.COMPLETED_WITH_FAILURES
    run = run_of(norwegian)
    assert (run.status, run.language, run.output) == ("failed", "nb", None)
    assert run.error is not None
    assert (run.error["error_code"], run.error["details"]) == ("LANGUAGE_UNSUPPORTED", {"language": "nb"})
    (ended,) = BatchResult.objects.filter(batch=batch)
    assert (ended.essays, ended.succeeded, ended.failed) == (3, 2, 1)
    phase = batch.phases.get(run=batch.run)
    assert (phase.succeeded, phase.failed) == (2, 1)


def test_an_unclear_text_follows_its_batch(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 3)
    unclear, _, _ = fill(pipeline, batch, UNCLEAR.encode(), text("sv", 1), text("sv", 2))
    assert (unclear.language, run_of(unclear).language, batch.status) == ("", "sv", Batch.Status.COMPLETED)
    assert pipeline.event_types(batch).count("EssaySpellcheckRequest") == 3


def test_without_any_language_nothing_is_checked_until_one_is_chosen(
    pipeline: Pipeline, teacher: User
) -> None:
    batch = register(teacher, 1)
    (unclear,) = fill(pipeline, batch, UNCLEAR.encode())
    error = run_of(unclear).error
    assert error is not None
    assert (error["error_code"], batch.language, batch.status) == (
        "LANGUAGE_UNKNOWN",
        "",
        Batch.Status.FAILED,
    )
    batch_language.set_batch_language(batch.pk, teacher, "sv")
    pipeline.run()
    batch.refresh_from_db()
    assert (run_of(unclear).language, batch.status) == ("sv", Batch.Status.COMPLETED)


def test_a_changed_batch_language_repeats_what_it_concerns_and_only_that(
    pipeline: Pipeline, teacher: User
) -> None:
    batch = register(teacher, 3, "en")
    uploads = fill(pipeline, batch, UNCLEAR.encode(), text("sv"), text("en"))
    before = revisions(uploads)
    batch_language.set_batch_language(batch.pk, teacher, "sv")
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.language, batch.status) == ("sv", Batch.Status.COMPLETED)
    assert [new - old for new, old in zip(revisions(uploads), before, strict=True)] == [1, 0, 0]
    assert [run_of(one).language for one in uploads] == ["sv", "sv", "en"]
    (change,) = pipeline.events(batch, "BatchLanguageChanged")
    assert (change["who"], change["old"], change["new"]) == (teacher.pk, "en", "sv")


def test_changing_it_back_and_repeating_it(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2, "en")
    uploads = fill(pipeline, batch, UNCLEAR.encode(), text("sv"))
    for language in ("sv", "sv", "en", ""):
        batch_language.set_batch_language(batch.pk, teacher, language)
        pipeline.run()
    batch.refresh_from_db()
    assert (batch.language, batch.language_chosen) == ("sv", False)
    assert [run_of(one).language for one in uploads] == ["sv", "sv"]
    assert len(pipeline.events(batch, "BatchLanguageChanged")) == 3


def test_it_can_be_changed_while_essays_are_checked(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2, "en")
    uploads = [pipeline.upload(batch, UNCLEAR.encode()), pipeline.upload(batch, text("en"))]
    while not StepRun.objects.filter(slot__batch=batch).exists():
        pipeline.relay.drain()
        pipeline.work_once()
    batch_language.set_batch_language(batch.pk, teacher, "sv")
    pipeline.run()
    for upload in uploads:
        upload.refresh_from_db()
    batch.refresh_from_db()
    assert [run_of(one).language for one in uploads] == ["sv", "en"]
    assert batch.status == Batch.Status.COMPLETED


def test_one_essay_can_be_said_to_be_in_another_language(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2)
    norwegian, swedish = fill(pipeline, batch, text("nb"), text("sv"))
    essay_language.set_essay_language(norwegian, teacher, "sv")
    pipeline.run()
    batch.refresh_from_db()
    assert (run_of(norwegian).language, batch.status) == ("sv", Batch.Status.COMPLETED)
    assert run_of(swedish).revision == 1
    essay_language.set_essay_language(norwegian, teacher, "")
    pipeline.run()
    batch.refresh_from_db()
    assert (run_of(norwegian).status, batch.status) == ("failed", Batch.Status.COMPLETED_WITH_FAILURES)
    assert [one["language"] for one in pipeline.events(batch, "FileLanguageChanged")] == ["sv", "nb"]


def test_another_file_in_its_place_has_its_own_language(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2, "sv")
    (upload,) = fill(pipeline, batch, text("sv"))
    essay_language.set_essay_language(upload, teacher, "en")
    pipeline.run()
    replacing.replace(FileUpload.objects.get(pk=upload.pk), teacher, incoming(text("en")))
    pipeline.run()
    upload.refresh_from_db()
    assert (upload.language, upload.chosen_language, run_of(upload).language) == ("en", "", "en")


def incoming(data: bytes) -> Incoming:
    return Incoming(ContentFile(data), "essay.txt")


def test_refusals(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2, "sv")
    (upload,) = fill(pipeline, batch, text("sv"))
    failed = pipeline.upload(batch, b"")
    pipeline.run()
    failed.refresh_from_db()
    with pytest.raises(Refused, match="NOT_AN_ESSAY"):
        essay_language.set_essay_language(failed, teacher, "en")
    cancelling.cancel(batch.pk, teacher)
    with pytest.raises(Refused, match="BATCH_CLOSED"):
        batch_language.set_batch_language(batch.pk, teacher, "en")
    with pytest.raises(Refused, match="BATCH_CLOSED"):
        essay_language.set_essay_language(upload, teacher, "en")


def test_an_essay_read_after_a_cancellation_is_recorded_and_starts_nothing(
    pipeline: Pipeline, teacher: User
) -> None:
    batch = register(teacher, 3)
    fill(pipeline, batch, UNCLEAR.encode(), UNCLEAR.replace("1", "7").encode())
    late = pipeline.upload(batch, text("sv"))
    start(batch.pk, teacher)
    pipeline.relay.drain()
    assert StepRun.objects.filter(slot__batch=batch).count() == 2
    cancelling.cancel(batch.pk, teacher)
    while pipeline.relay.drain() or pipeline.work_once():
        OutboxMessage.objects.update(due_at=Now())
    assert not DeadLetter.objects.exists()
    late.refresh_from_db()
    batch.refresh_from_db()
    assert (late.status, batch.status, batch.language) == ("assigned", Batch.Status.CANCELLED, "")
    assert EssayResult.objects.filter(file=late).exists()


def test_a_language_found_again_is_told_again(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 5)
    for swedish in fill(pipeline, batch, *(text("sv", number) for number in range(3))):
        removing.remove(swedish)
    pipeline.run()
    batch_language.set_batch_language(batch.pk, teacher, "")
    pipeline.run()
    batch.refresh_from_db()
    assert batch.language == ""
    fill(pipeline, batch, *(text("sv", number) for number in range(3, 6)))
    assert batch.language == "sv"
    found = pipeline.events(batch, "BatchLanguageFound")
    assert [(one["language"], one["revision"]) for one in found] == [("sv", 0), ("sv", 1)]


def test_class_figures_without_a_language_are_of_all(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 2)
    fill(pipeline, batch, text("sv") + b"\nfelstavningg\n")
    assert (batch.language, batch.status) == ("", Batch.Status.AWAITING_CONTENT)
    density = tiles(counts_of(batch), 1, file_lines(batch)).density
    assert density is not None
    assert density > 0
    assert "felstavningg" in {mark.word for mark in common_marks(stored_findings(batch))}


def test_a_batch_without_steps_knows_its_language_too(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 1, steps=[])
    fill(pipeline, batch, text("en"))
    assert (batch.language, batch.status) == ("en", Batch.Status.COMPLETED)
    batch_language.set_batch_language(batch.pk, teacher, "sv")
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.language, batch.status) == ("sv", Batch.Status.COMPLETED)
    assert not StepRun.objects.exists()


def test_class_figures_leave_strays_out_and_name_them(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 3, "sv")
    fill(pipeline, batch, text("en"), text("sv"), text("nb"))
    lines = file_lines(batch)
    shown = tiles(counts_of(batch), 3, lines)
    swedish = next(line for line in lines if line.language == "sv")
    assert swedish.words
    assert shown.median_words == swedish.words
    findings = swedish.phases["spellcheck"]["findings"]
    assert shown.density == round(100 * findings / swedish.words, 2), "as the essay itself says it"
    assert [line.language for line in lines if line.stray] == ["en", "nb"]
    assert "nervus" not in {mark.word for mark in common_marks(stored_findings(batch))}
    figures = analytics(batch)
    assert [one.language for one in figures.left_out] == ["en", "nb"]
    assert figures.words.spread is not None
    assert figures.words.spread.total == swedish.words


@pytest.mark.parametrize("language", ["nb", "und", ""])
def test_the_step_has_no_wrong_dictionary(language: str) -> None:
    with pytest.raises(StepError):
        essay_phase("spellcheck").step("Dette er en norsk tekst.", language)


def test_repeated_old_events_change_nothing(pipeline: Pipeline, teacher: User) -> None:
    batch = register(teacher, 3)
    uploads = fill(pipeline, batch, UNCLEAR.encode(), text("sv", 1), text("sv", 2))
    batch_language.set_batch_language(batch.pk, teacher, "en")
    pipeline.run()
    before: Any = [(run_of(one).pk, run_of(one).language) for one in uploads]
    pipeline.deliver_again(batch.pk)
    pipeline.run()
    batch.refresh_from_db()
    assert [(run_of(one).pk, run_of(one).language) for one in uploads] == before
    assert (batch.language, batch.status) == ("en", Batch.Status.COMPLETED)
