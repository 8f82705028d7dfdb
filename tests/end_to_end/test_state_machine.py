"""Any sequence of teachers' decisions, deliveries, crashes and timers keeps the promises.

Runs against real PostgreSQL with real commits. Reading and spelling are replaced by quick pure stand-ins:
what is tested here is the order of things.
"""

from collections.abc import Iterator
from contextlib import suppress
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import Count
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from batches import actions as batch_actions
from batches.models import Batch, EssaySlot
from essays import actions as essay_actions
from essays.models import StepRun
from essays.phases import PHASES, Phase, StepOutcome
from files import actions as file_actions
from files import sandbox
from files.models import FileUpload
from files.steps.detect import Format
from files.steps.validate import TextLimits
from huleedu.errors import ErrorCode, Refused, StepError
from huleedu.models import DeadLetter, Feed, LoggedEvent, OutboxMessage, WorkItem
from huleedu.relay import relay_lane
from results.models import BatchResult, EssayResult
from results.queries import counts_of
from tests.pipeline import TASKS, Pipeline

GOOD = [f"essay number {n} with more than fifty characters of plain and honest text" for n in range(6)]


def quick_reading(
    source: bytes, filename: str, limits: TextLimits, timeout_seconds: float = 0
) -> sandbox.SandboxResult:
    """Stand-in for the sandbox: the bytes are the text."""
    text = source.decode()
    if not text.strip():
        raise StepError(ErrorCode.EMPTY_CONTENT)
    return sandbox.SandboxResult(
        text=text,
        format=Format.TXT,
        engine="quick 1",
        warnings=(),
        words=len(text.split()),
        characters=len(text),
    )


def quick_spelling(text: str, language: str) -> StepOutcome:
    """Stand-in for the spelling check: texts that name number 5 cannot be checked."""
    if "number 5" in text:
        raise StepError(ErrorCode.SPELLCHECK_FAILED)
    figures = {"words": len(text.split()), "findings": 0, "density": 0.0}
    return StepOutcome("quick 1", {**figures, "findings": [], "corrected_text": text}, figures)


class Crash(BaseException):
    """The worker's process dies."""


class PipelineMachine(RuleBasedStateMachine):
    """Rules are what can happen; invariants are what must hold after each."""

    batch: Batch
    pipeline: Pipeline
    owner: User

    # A batch that starts by itself is soon closed, so most wait for their teacher.
    @initialize(
        expected=st.integers(1, 4),
        auto_start=st.sampled_from([False, False, True]),
        threshold=st.sampled_from([0.0, 0.5, 0.8, 1.0]),
        steps=st.sampled_from([["spellcheck"], ["spellcheck"], []]),
    )
    def register(self, expected: int, auto_start: bool, threshold: float, steps: list[str]) -> None:
        self.pipeline = Pipeline()
        self.owner = User.objects.create(username=str(uuid4()))
        self.batch = self.pipeline.register(
            self.owner, expected, auto_start=auto_start, partial_batch_threshold=threshold, steps=steps
        )

    def incoming(self, text: str) -> file_actions.Incoming:
        return file_actions.Incoming(file=ContentFile(text.encode()), filename="essay.txt")

    def pick(self, number: int) -> FileUpload | None:
        files = list(FileUpload.objects.filter(batch=self.batch).order_by("created_at", "pk"))
        return files[number % len(files)] if files else None

    @rule(texts=st.lists(st.sampled_from([*GOOD, " "]), min_size=1, max_size=6), rest=st.booleans())
    def upload(self, texts: list[str], rest: bool) -> None:
        for text in texts:
            with suppress(Refused):
                file_actions.receive(self.batch.pk, self.owner, self.incoming(text), uuid4())
        if rest:
            self.everything_comes_to_rest()

    @rule(
        kind=st.sampled_from(["remove", "remove", "replace", "reread", "repeat"]),
        number=st.integers(0, 9),
        text=st.sampled_from([*GOOD, " "]),
        rest=st.booleans(),
    )
    def change_a_file(self, kind: str, number: int, text: str, rest: bool) -> None:
        upload = self.pick(number)
        if upload is None:
            return
        with suppress(Refused):
            if kind == "remove":
                file_actions.remove(upload)
            elif kind == "replace":
                file_actions.replace(upload, self.owner, self.incoming(text))
            elif kind == "reread":
                file_actions.reread(upload, self.owner)
            else:
                essay_actions.repeat_step(upload, self.owner, "spellcheck")
        if rest:
            self.everything_comes_to_rest()

    @rule(
        kind=st.sampled_from(["expect", "expect", "extend", "deadline", "start", "repeat", "cancel"]),
        count=st.integers(1, 7),
        rest=st.booleans(),
    )
    def change_the_batch(self, kind: str, count: int, rest: bool) -> None:
        with suppress(Refused):
            if kind == "expect":
                batch_actions.expect(self.batch.pk, self.owner, count)
            elif kind == "extend":
                batch_actions.extend(self.batch.pk, self.owner, 60)
            elif kind == "deadline":
                batch_actions.pass_deadline(self.batch.pk)
            elif kind == "start":
                essay_actions.start(self.batch.pk, self.owner)
            elif kind == "repeat":
                essay_actions.repeat_batch(self.batch.pk, self.owner, "spellcheck")
            elif count == 1:
                batch_actions.cancel(self.batch.pk, self.owner)
        if rest:
            self.everything_comes_to_rest()

    @rule()
    def relay_a_lane(self) -> None:
        relay_lane(self.batch.pk.int % 16)

    @rule()
    def work_on_one(self) -> None:
        for step in list(TASKS):
            TASKS[step]()

    @rule(step=st.sampled_from(["extract", "spellcheck"]))
    def worker_dies_before_its_result_is_recorded(self, step: str) -> None:
        with mock.patch("huleedu.work.finish", side_effect=Crash), suppress(Crash):
            TASKS[step]()

    @rule(again=st.booleans())
    def events_are_delivered_again(self, again: bool) -> None:
        if again and not OutboxMessage.objects.filter(batch_id=self.batch.pk).exists():
            self.pipeline.deliver_again(self.batch.pk)

    def everything_comes_to_rest(self) -> None:
        self.settle()
        self.check_rest()

    def settle(self) -> None:
        WorkItem.objects.filter(batch_id=self.batch.pk, state="queued").update(due_at="2000-01-01T00:00Z")
        self.pipeline.run()

    @invariant()
    def counts_add_up(self) -> None:
        self.batch.refresh_from_db()
        counts = counts_of(self.batch)
        assert counts.free >= 0
        assert self.batch.slots.count() == self.batch.expected_essay_count == counts.free + counts.assigned
        assert counts.received == FileUpload.objects.filter(batch=self.batch).present().count()

    @invariant()
    def places_and_files_agree(self) -> None:
        assigned = FileUpload.objects.filter(batch=self.batch, status="assigned").select_related("slot")
        for upload in assigned:
            assert upload.slot is not None
            assert upload.slot.batch_id == self.batch.pk
            assert upload.slot.text_storage_id == upload.text_storage_id
            assert upload.slot.status != EssaySlot.Status.AWAITING_CONTENT
        hashes = assigned.values_list("content_hash").annotate(n=Count("pk")).values_list("n", flat=True)
        assert all(n == 1 for n in hashes)

    @invariant()
    def numbers_are_gapless(self) -> None:
        seqs = LoggedEvent.objects.filter(batch_id=self.batch.pk, seq__isnull=False).order_by("seq")
        last = Feed.objects.get(pk=self.batch.pk).seq
        assert list(seqs.values_list("seq", flat=True)) == list(range(1, last + 1))

    @invariant()
    def nothing_died(self) -> None:
        assert not DeadLetter.objects.filter(batch_id=self.batch.pk).exists()

    def check_rest(self) -> None:
        self.batch.refresh_from_db()
        counts = counts_of(self.batch)
        assert counts.in_progress == 0
        assert not OutboxMessage.objects.filter(batch_id=self.batch.pk).exists()
        assert not WorkItem.objects.filter(batch_id=self.batch.pk).exists()
        assert not counts.excess or self.batch.status == Batch.Status.CANCELLED or counts.free == 0
        if self.batch.status != Batch.Status.CANCELLED:
            self.check_steps()
        if self.batch.status == Batch.Status.AWAITING_CONTENT:
            assert counts.free > 0
        assert self.batch.status != Batch.Status.PROCESSING, "a batch at rest is not processing"
        runs = BatchResult.objects.filter(batch=self.batch).values_list("run").annotate(n=Count("pk"))
        assert all(n == 1 for _, n in runs)
        self.check_results()

    def check_steps(self) -> None:
        for run in StepRun.objects.filter(slot__batch=self.batch).select_related("slot"):
            if run.revision == run.slot.revision:
                assert run.status in StepRun.ENDED
        if self.batch.is_closed and self.batch.settings.steps:
            for slot in self.batch.slots.exclude(status=EssaySlot.Status.AWAITING_CONTENT):
                assert slot.status in {EssaySlot.Status.COMPLETED, EssaySlot.Status.FAILED}

    def check_results(self) -> None:
        assigned = FileUpload.objects.filter(batch=self.batch, status="assigned")
        results = EssayResult.objects.filter(batch=self.batch)
        assert set(results.values_list("slot_id", "file_id")) == set(assigned.values_list("slot_id", "pk"))

    def teardown(self) -> None:
        if hasattr(self, "batch"):
            self.settle()
            self.check_rest()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def quick_steps() -> Iterator[None]:
    """Reading and spelling without their cost."""
    phase = PHASES["spellcheck"]
    quick = Phase(phase.name, phase.request, phase.completed, quick_spelling)
    with mock.patch("files.sandbox.run", quick_reading), mock.patch.dict(PHASES, {"spellcheck": quick}):
        yield


@pytest.mark.timeout(600)
def test_any_sequence_keeps_the_promises(transactional_db: None, quick_steps: None) -> None:
    run_state_machine_as_test(
        PipelineMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
