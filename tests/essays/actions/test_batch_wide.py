"""A phase on the whole batch: ordered after the others, run once, recorded, repeated, given up."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from batches.models import Batch, BatchPhase
from essays import dead_letters
from essays.actions import starting
from files.actions import removing
from files.models import FileUpload
from huleedu.api.shapes import Answer
from huleedu.erasure import Erasure
from huleedu.events.phase import BatchWidePhase, EssayText, Measure, PhaseWords, StepOutcome
from huleedu.events.vocabulary import BatchPhaseCompleted, ErrorDetail, PhaseInitiate
from huleedu.failures.errors import ContentDamaged, Refused, StepError
from huleedu.failures.words import Words
from huleedu.models import DeadLetter, Timer, WorkItem
from huleedu.support.dead_letters import replay
from results import queries
from tests.api import client_of
from tests.phases import declared
from tests.pipeline import Pipeline

ESSAYS = [
    f"Essay {number} is about a {word} and its long and happy life among us all.".encode()
    for number, word in enumerate(("cat", "dog"), 1)
]


class CommonInitiate(PhaseInitiate):
    topic = "huleedu.commands.common.initiate.v1"
    phase_name = "common"


class CommonCompleted(BatchPhaseCompleted):
    topic = "huleedu.batch.common.completed.v1"
    phase_name = "common"
    common: int | None = None


class Figures(Answer):
    """How many words all essays share."""

    status: str
    common: int | None
    error: ErrorDetail | None


class Step:
    """Counts the words that all essays share; ``fails`` with what is put there."""

    def __init__(self) -> None:
        self.seen: list[list[tuple[int, str]]] = []
        self.fails: Exception | None = None
        self.meanwhile: list[Callable[[], object]] = []

    def __call__(self, essays: Sequence[EssayText]) -> StepOutcome:
        self.seen.append([(essay.number, essay.language) for essay in essays])
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.fails is not None:
            raise self.fails
        shared = set.intersection(*(set(essay.text.split()) for essay in essays))
        return StepOutcome("common 1", {"common": len(shared)}, {"common": len(shared)})


@pytest.fixture
def step() -> Iterator[Step]:
    """The step of a phase that is declared for one test."""
    made = Step()
    phase = BatchWidePhase(
        name="common",
        words=PhaseWords("Common words", "Find common words", "Again", "In line", lambda data: "Found"),
        failures={"COMMON_FAILED": Words("No common words", "Try again.", ("retry",))},
        initiate=CommonInitiate,
        completed=CommonCompleted,
        live_message="batch.common.completed",
        figures=Figures,
        measures=[Measure("common", "Words in common")],
        step=made,
    )
    with declared(phase):
        yield made


def fill(pipeline: Pipeline, teacher: User, max_retries: int = 3) -> Batch:
    batch = pipeline.register(teacher, len(ESSAYS), steps=["analysis", "common"], max_retries=max_retries)
    for number, essay in enumerate(ESSAYS, 1):
        pipeline.upload(batch, essay, f"{number}.txt")
    return batch


def finish(pipeline: Pipeline, batch: Batch) -> dict[str, Any]:
    pipeline.run()
    while WorkItem.objects.update(due_at=Now()):
        pipeline.run()
    batch.refresh_from_db()
    return queries.results(batch).model_dump(mode="json")


def test_it_runs_once_on_all_essays_after_the_phase_before(
    pipeline: Pipeline, teacher: User, step: Step
) -> None:
    batch = fill(pipeline, teacher)
    results = finish(pipeline, batch)
    assert step.seen == [[(1, "en"), (2, "en")]]
    assert results["status"] == "completed"
    assert results["common"] == {"status": "succeeded", "common": 12, "error": None}
    assert results["phases"]["common"]["succeeded"] == 2
    assert [row["analysis"]["status"] for row in results["essays"]] == ["succeeded", "succeeded"]
    assert {row["status"] for row in results["essays"]} == {"completed"}
    types = pipeline.event_types(batch)
    assert types.count("CommonCompleted") == 1
    ordered = [
        name
        for name in types
        if name in {"AnalysisInitiate", "CommonInitiate", "CommonCompleted", "BatchResultsReady"}
    ]
    assert ordered == ["AnalysisInitiate", "CommonInitiate", "CommonCompleted", "BatchResultsReady"]
    (told,) = pipeline.events(batch, "CommonCompleted")
    assert (told["common"], told["engine"]) == (12, "common 1")


def test_events_of_it_delivered_again_change_nothing(pipeline: Pipeline, teacher: User, step: Step) -> None:
    batch = fill(pipeline, teacher)
    before = finish(pipeline, batch)
    pipeline.deliver_again(batch.pk)
    after = finish(pipeline, batch)
    assert len(step.seen) == 1
    assert (after["common"], after["phases"]) == (before["common"], before["phases"])


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (StepError("COMMON_FAILED"), "COMMON_FAILED"),
        (ContentDamaged(FileUpload().pk, "text", "missing"), "CONTENT_DAMAGED"),
        (ValueError("a fault of ours"), "COMMON_FAILED"),
    ],
)
def test_a_failure_ends_the_batch_with_its_own_words(
    pipeline: Pipeline, teacher: User, step: Step, failure: Exception, code: str
) -> None:
    step.fails = failure
    batch = fill(pipeline, teacher, max_retries=1)
    results = finish(pipeline, batch)
    assert results["status"] == "completed_with_failures"
    assert results["common"]["error"]["error_code"] == code
    assert results["phases"]["common"]["failed"] == 2
    assert {row["status"] for row in results["essays"]} == {"completed"}


def test_what_was_given_up_runs_again_by_support(pipeline: Pipeline, teacher: User, step: Step) -> None:
    step.fails = ValueError()
    batch = fill(pipeline, teacher, max_retries=0)
    finish(pipeline, batch)
    step.fails = None
    letter = DeadLetter.objects.get()
    replay(letter, teacher)
    assert finish(pipeline, batch)["common"]["status"] == "succeeded"
    assert batch.status == "completed"
    letter = DeadLetter(event_type=letter.event_type, envelope=letter.envelope)
    with pytest.raises(Refused, match="DEAD_LETTER_OUTDATED"):
        dead_letters.check_batch_wide(letter)


def test_a_teacher_repeats_it_for_a_batch_that_is_done_and_for_no_essay(
    pipeline: Pipeline, teacher: User, step: Step
) -> None:
    client = client_of(teacher)
    batch = fill(pipeline, teacher)
    address = f"/v1/batches/{batch.pk}/reprocess"
    assert client.post(address, {"phase": "common"}, format="json").status_code == 409
    finish(pipeline, batch)
    assert client.post(address, {"phase": "common"}, format="json").status_code == 200
    results = finish(pipeline, batch)
    assert len(step.seen) == 2
    assert BatchPhase.objects.filter(batch=batch, phase="common").count() == 2
    assert results["status"] == "completed"
    upload = FileUpload.objects.filter(batch=batch).first()
    assert upload is not None
    refused = client.post(f"/v1/files/{upload.pk}/reprocess", {"phase": "common"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "STEP_NOT_CONFIGURED")


def test_a_batch_with_this_phase_alone_and_one_cancelled_meanwhile(
    pipeline: Pipeline, teacher: User, step: Step, client: Client
) -> None:
    batch = pipeline.register(teacher, 1, steps=["common"])
    pipeline.upload(batch, ESSAYS[0], "1.txt")
    results = finish(pipeline, batch)
    assert (results["status"], results["common"]["common"]) == ("completed", 14)
    client.force_login(teacher)
    page = client.get(f"/batches/{batch.pk}/results/").content.decode()
    assert "Words in common" in page

    batch = pipeline.register(teacher, 2, steps=["common"])
    pipeline.upload(batch, ESSAYS[0], "1.txt")
    finish(pipeline, batch)
    starting.start(batch.pk, teacher)
    finish(pipeline, batch)
    pipeline.upload(batch, ESSAYS[1], "2.txt")
    results = finish(pipeline, batch)
    assert (results["common"]["common"], len(step.seen)) == (12, 3)

    cancelled = pipeline.register(teacher, 1, steps=["common"])
    pipeline.upload(cancelled, ESSAYS[1], "2.txt")
    while pipeline.relay.drain() or not WorkItem.objects.filter(step="common").exists():
        if not WorkItem.objects.filter(step="common").exists():
            pipeline.work_once()
    Batch.objects.filter(pk=cancelled.pk).update(status="cancelled")
    assert finish(pipeline, cancelled)["common"] is None
    assert len(step.seen) == 3
    assert not WorkItem.objects.exists()


THIRD = b"Essay 3 is about a parrot and its long and happy life among us all."
STEPS = pytest.mark.parametrize("steps", [["common"], ["analysis", "common"]], ids=["alone", "after another"])


@STEPS
def test_an_essay_that_comes_while_it_runs_is_in_the_result(
    pipeline: Pipeline, teacher: User, step: Step, steps: list[str]
) -> None:
    batch = pipeline.register(teacher, 3, steps=steps)
    for number, essay in enumerate(ESSAYS, 1):
        pipeline.upload(batch, essay, f"{number}.txt")
    pipeline.run()

    def come() -> None:
        pipeline.upload(batch, THIRD, "3.txt")
        pipeline.run()

    step.meanwhile = [come]
    starting.start(batch.pk, teacher)
    results = finish(pipeline, batch)
    assert step.seen == [[(1, "en"), (2, "en")], [(1, "en"), (2, "en"), (3, "en")]]
    assert (results["status"], results["phases"]["common"]["succeeded"]) == ("completed", 3)


@STEPS
def test_an_essay_that_goes_while_it_runs_is_not(
    pipeline: Pipeline, teacher: User, step: Step, steps: list[str]
) -> None:
    batch = pipeline.register(teacher, 2, steps=steps)

    def go() -> None:
        removing.remove(FileUpload.objects.get(filename="1.txt"))
        pipeline.run()

    step.meanwhile = [go]
    for number, essay in enumerate(ESSAYS, 1):
        pipeline.upload(batch, essay, f"{number}.txt")
    results = finish(pipeline, batch)
    assert step.seen[-1] == [(2, "en")]
    assert (results["common"]["common"], results["phases"]["common"]["succeeded"]) == (14, 1)


def test_a_batch_without_essays_has_nothing_that_failed(
    pipeline: Pipeline, teacher: User, step: Step
) -> None:
    batch = fill(pipeline, teacher)
    finish(pipeline, batch)
    for upload in FileUpload.objects.filter(batch=batch):
        removing.remove(upload)
    step.fails = ValueError("no essays")
    results = finish(pipeline, batch)
    assert not DeadLetter.objects.exists()
    assert results["phases"]["common"]["failed"] in {0, None}
    assert results["status"] == "completed"


def test_what_it_found_goes_with_a_file_that_is_forgotten(
    pipeline: Pipeline, teacher: User, step: Step
) -> None:
    batch = fill(pipeline, teacher)
    finish(pipeline, batch)
    removing.remove(FileUpload.objects.get(filename="1.txt"))
    finish(pipeline, batch)
    Erasure.objects.update(due_at=Now())
    Timer.objects.update(due_at=Now())
    pipeline.fire_timers()
    finish(pipeline, batch)
    assert Erasure.objects.get().ended_at is not None
    first = BatchPhase.objects.filter(batch=batch, phase="common").order_by("run")[0]
    assert first.output is None
