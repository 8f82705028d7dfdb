"""Any sequence of teachers' decisions, deliveries, crashes and timers keeps the promises.

Runs against real PostgreSQL with real commits: two teachers, up to three batches at once, pages that come and
go. Reading and spelling are replaced by quick pure stand-ins: what is tested here is the order of things.
``HYPOTHESIS_PROFILE=long`` tries ten times as many sequences, each twice as long.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import Count
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from batches.actions import cancelling, deadline, places
from batches.models import Batch, EssaySlot
from essays.actions import batch_language, essay_language, repeating, repeating_all, starting
from essays.languages import language_of
from essays.models import StepRun
from files import sandbox
from files.actions import receiving, removing, replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from files.steps.confinement import Confinement
from files.steps.validate import TextLimits
from huleedu.events.phase import StepOutcome
from huleedu.events.phases import PHASES, essay_phase
from huleedu.failures.errors import ErrorCode, Refused, StepError
from huleedu.models import (
    LANES,
    ConsumedEvent,
    DeadLetter,
    Feed,
    LoggedEvent,
    OutboxMessage,
    Timer,
    WorkItem,
)
from huleedu.relay.loop import relay_lane
from huleedu.work import queue as work
from huleedu.work.handlers import HANDLERS
from results.models import BatchResult, EssayResult
from results.queries import counts_of
from tests.pipeline import Pipeline
from tests.reader import Reader, fresh

GOOD = [f"essay number {n} with more than fifty characters of plain and honest text" for n in range(6)]
PROFILES = {"default": (60, 25, 1200), "long": (400, 40, 7200)}  # sequences, steps of each, seconds at most
SEQUENCES, STEPS, SECONDS = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]
BATCHES, READERS = 3, 4
WHICH, SEED = st.sampled_from([0, 0, 0, 1, 2]), st.integers(0, 999)
TEXT = st.sampled_from([*GOOD, " "])
# What comes after something was done: "old" are events of long ago, delivered once more behind the new ones.
AFTERWARDS = st.sampled_from(["rest", "rest", "forgotten", "forgotten", "old", "relayed", "nothing"])


def quick_reading(
    source: bytes,
    filename: str,
    limits: TextLimits,
    timeout_seconds: float = 0,
    confinement: Confinement | None = None,
) -> sandbox.SandboxResult:
    """Stand-in for the sandbox: the bytes are the text."""
    text = source.decode()
    if not text.strip():
        raise StepError(ErrorCode.EMPTY_CONTENT)
    return sandbox.SandboxResult(
        text=text,
        format="txt",
        engine="quick 1",
        warnings=(),
        words=len(text.split()),
        characters=len(text),
    )


def quick_language(text: str) -> str | None:
    """Stand-in for finding the language: each text has its own, some have none."""
    return {"1": "sv", "2": "nb", "3": None}.get(text.split()[2] if text.strip() else "", "en")


def quick_spelling(text: str, language: str) -> StepOutcome:
    """Stand-in for the spelling check: texts that name number 5 cannot be checked, nor third languages."""
    if language not in Batch.Language.values:
        raise StepError(ErrorCode.LANGUAGE_UNSUPPORTED)
    if "number 5" in text:
        raise StepError("SPELLCHECK_FAILED")
    figures = {"words": len(text.split()), "findings": 0, "density": 0.0}
    return StepOutcome("quick 1", {**figures, "findings": [], "corrected_text": text}, figures)


class Crash(BaseException):
    """A process dies."""


def dying_at(name: str) -> Callable[[str], None]:
    """A failpoint at which the process dies."""

    def failpoint(reached: str) -> None:
        if reached == name:
            raise Crash

    return failpoint


class PipelineMachine(RuleBasedStateMachine):
    """Rules are what can happen; invariants are what must hold after each."""

    # A batch that starts by itself is soon closed, so most wait for their teacher.
    @initialize(
        expected=st.integers(1, 4),
        auto_start=st.sampled_from([False, False, True]),
        threshold=st.sampled_from([0.0, 0.5, 0.8, 1.0]),
        steps=st.sampled_from([["spellcheck"], ["spellcheck"], []]),
        language=st.sampled_from(["", "en"]),
    )
    def begin(
        self, expected: int, auto_start: bool, threshold: float, steps: list[str], language: str
    ) -> None:
        self.pipeline = Pipeline()
        self.owners = [User.objects.create(username=str(uuid4())) for _ in range(2)]
        self.batches: list[Batch] = []
        self.readers: list[Reader] = []
        self.register(expected, auto_start, threshold, steps, 0, language)

    @rule(
        expected=st.integers(1, 3),
        auto_start=st.booleans(),
        threshold=st.sampled_from([0.0, 1.0]),
        steps=st.sampled_from([["spellcheck"], []]),
        teacher=st.integers(0, 1),
        language=st.sampled_from(["", "en"]),
    )
    def register(
        self,
        expected: int,
        auto_start: bool,
        threshold: float,
        steps: list[str],
        teacher: int,
        language: str,
    ) -> None:
        if len(self.batches) < BATCHES:
            configuration = {"auto_start": auto_start, "partial_batch_threshold": threshold, "steps": steps}
            owner = self.owners[teacher]
            self.batches.append(self.pipeline.register(owner, expected, language, **configuration))

    def which(self, number: int) -> Batch:
        return self.batches[number % len(self.batches)]

    def incoming(self, text: str, key: str | None = None) -> Incoming:
        return Incoming(ContentFile(text.encode()), "essay.txt", upload_key=key)

    def pick(self, batch: Batch, number: int) -> FileUpload | None:
        files = list(FileUpload.objects.filter(batch=batch).order_by("created_at", "pk"))
        return files[number % len(files)] if files else None

    @rule(which=WHICH, texts=st.lists(TEXT, min_size=1, max_size=6), then=AFTERWARDS, seed=SEED)
    def upload(self, which: int, texts: list[str], then: str, seed: int) -> None:
        batch = self.which(which)
        for text in texts:
            with suppress(Refused):
                receiving.receive(batch.pk, batch.owner, self.incoming(text), uuid4())
        self.afterwards(batch, then, seed)

    @rule(which=WHICH, text=TEXT, where=st.sampled_from(["upload.after_store", "upload.after_commit"]))
    def upload_is_cut_off_and_sent_again(self, which: int, text: str, where: str) -> None:
        batch, key = self.which(which), str(uuid4())
        with mock.patch("files.actions.receiving.failpoint", dying_at(where)), suppress(Refused, Crash):
            receiving.receive(batch.pk, batch.owner, self.incoming(text, key), uuid4())
        with suppress(Refused):
            receiving.receive(batch.pk, batch.owner, self.incoming(text, key), uuid4())
        assert FileUpload.objects.filter(upload_key=key).count() <= 1

    @rule(
        kind=st.sampled_from(["remove", "remove", "replace", "replace", "reread", "reread", "repeat"]),
        which=WHICH,
        number=st.integers(0, 9),
        text=TEXT,
        then=AFTERWARDS,
        seed=SEED,
    )
    def change_a_file(self, kind: str, which: int, number: int, text: str, then: str, seed: int) -> None:
        batch = self.which(which)
        upload = self.pick(batch, number)
        if upload is None:
            return
        with suppress(Refused):
            if kind == "remove":
                removing.remove(upload)
            elif kind == "replace":
                replacing.replace(upload, batch.owner, self.incoming(text))
            elif kind == "reread":
                rereading.reread(upload, batch.owner)
            else:
                repeating.repeat_step(upload, batch.owner, "spellcheck")
        self.afterwards(batch, then, seed)

    @rule(
        kind=st.sampled_from(["expect", "expect", "extend", "start", "repeat", "cancel"]),
        which=WHICH,
        count=st.integers(1, 7),
        then=AFTERWARDS,
        seed=SEED,
    )
    def change_the_batch(self, kind: str, which: int, count: int, then: str, seed: int) -> None:
        batch = self.which(which)
        with suppress(Refused):
            if kind == "expect":
                places.expect(batch.pk, batch.owner, count)
            elif kind == "extend":
                deadline.extend(batch.pk, batch.owner, 60)
            elif kind == "start":
                starting.start(batch.pk, batch.owner)
            elif kind == "repeat":
                repeating_all.repeat_batch(batch.pk, batch.owner, "spellcheck")
            elif count == 1:
                cancelling.cancel(batch.pk, batch.owner)
            elif count > 4:
                cancelling.resume(batch.pk, batch.owner)
        self.afterwards(batch, then, seed)

    @rule(
        which=WHICH,
        number=st.integers(0, 9),
        language=st.sampled_from(["", "sv", "en"]),
        whole=st.booleans(),
        then=AFTERWARDS,
        seed=SEED,
    )
    def change_the_language(
        self, which: int, number: int, language: str, whole: bool, then: str, seed: int
    ) -> None:
        batch = self.which(which)
        upload = self.pick(batch, number)
        with suppress(Refused):
            if whole:
                batch_language.set_batch_language(batch.pk, batch.owner, language)
            elif upload is not None:
                essay_language.set_essay_language(upload, batch.owner, language)
        self.afterwards(batch, then, seed)

    @rule(which=WHICH, then=AFTERWARDS, seed=SEED)
    def deadline_passes(self, which: int, then: str, seed: int) -> None:
        due = timezone.now() - timedelta(seconds=1)
        Timer.objects.filter(batch_id=self.which(which).pk).update(due_at=due)
        self.pipeline.fire_timers()
        self.afterwards(self.which(which), then, seed)

    @rule(which=WHICH)
    def relay_a_lane(self, which: int) -> None:
        relay_lane(self.which(which).pk.int % LANES)

    @rule(which=WHICH, where=st.sampled_from(["relay.before_commit", "relay.after_commit"]))
    def relay_dies(self, which: int, where: str) -> None:
        with mock.patch("huleedu.relay.loop.failpoint", dying_at(where)), suppress(Crash):
            relay_lane(self.which(which).pk.int % LANES)

    @rule()
    def work_on_one(self) -> None:
        for name in HANDLERS.names():
            work.run_next(HANDLERS[name])

    @rule(step=st.sampled_from(HANDLERS.names()), recorded=st.booleans())
    def worker_dies(self, step: str, recorded: bool) -> None:
        """Before its result is recorded, or after that and before anybody hears of it."""
        before = mock.patch("huleedu.work.queue.finish", side_effect=Crash)
        after = mock.patch("huleedu.work.queue.failpoint", dying_at("step.after_effect"))
        with after if recorded else before, suppress(Crash):
            work.run_next(HANDLERS[step])

    @rule(seed=SEED)
    def events_come_in_another_order(self, seed: int) -> None:
        self.pipeline.shuffle(random.Random(seed))  # noqa: S311

    @rule(which=WHICH)
    def a_page_is_opened(self, which: int) -> None:
        self.readers = [*self.readers[1 - READERS :], fresh(self.which(which))]

    @rule(number=st.integers(0, READERS - 1), limit=st.sampled_from([1, 2, None]))
    def a_page_comes_back(self, number: int, limit: int | None) -> None:
        """It catches up from where it was, or is cut off again on the way."""
        if self.readers:
            self.readers[number % len(self.readers)].come_back(limit)

    def afterwards(self, batch: Batch, then: str, seed: int) -> None:
        """Let events of long ago come again, in any order, or all come to rest, or nothing happen."""
        if then == "rest":
            self.everything_comes_to_rest()
        elif then in {"old", "forgotten"}:
            self.pipeline.deliver_again(batch.pk, random.Random(seed))  # noqa: S311
        if then == "forgotten":  # what was consumed is tidied away after a month
            ids = OutboxMessage.objects.filter(batch_id=batch.pk).values("event_id")
            ConsumedEvent.objects.filter(event_id__in=ids).delete()
        if then != "nothing":
            relay_lane(batch.pk.int % LANES)

    def everything_comes_to_rest(self) -> None:
        WorkItem.objects.filter(state="queued").update(due_at="2000-01-01T00:00Z")
        self.pipeline.run()
        for batch in self.batches:
            self.check_rest(batch)
        for reader in self.readers:
            reader.come_back()
            assert reader.shows() == fresh(Batch.objects.get(pk=reader.batch_id)).shows()

    @invariant()
    def everything_holds(self) -> None:
        for batch in self.batches:
            batch.refresh_from_db()
            self.counts_add_up(batch)
            self.places_and_files_agree(batch)
            self.numbers_are_gapless(batch)
            assert not DeadLetter.objects.filter(batch_id=batch.pk).exists()
            assert not StoredContent.objects.filter(batch=batch).exclude(owner=batch.owner_id).exists()

    def counts_add_up(self, batch: Batch) -> None:
        counts = counts_of(batch)
        assert counts.free >= 0
        assert batch.slots.count() == batch.expected_essay_count == counts.free + counts.assigned
        assert counts.received == FileUpload.objects.filter(batch=batch).present().count()

    def places_and_files_agree(self, batch: Batch) -> None:
        assigned = FileUpload.objects.filter(batch=batch, status="assigned").select_related("slot")
        for upload in assigned:
            assert upload.slot is not None
            assert upload.slot.batch_id == batch.pk
            assert upload.slot.text_storage_id == upload.text_storage_id
            assert upload.slot.status != EssaySlot.Status.AWAITING_CONTENT
        hashes = assigned.values_list("content_hash").annotate(n=Count("pk")).values_list("n", flat=True)
        assert all(n == 1 for n in hashes)

    def numbers_are_gapless(self, batch: Batch) -> None:
        seqs = LoggedEvent.objects.filter(batch_id=batch.pk, seq__isnull=False).order_by("seq")
        last = Feed.objects.get(pk=batch.pk).seq
        assert list(seqs.values_list("seq", flat=True)) == list(range(1, last + 1))

    def check_rest(self, batch: Batch) -> None:
        batch.refresh_from_db()
        counts = counts_of(batch)
        assert counts.in_progress == 0
        assert not OutboxMessage.objects.filter(batch_id=batch.pk).exists()
        assert not WorkItem.objects.filter(batch_id=batch.pk).exists()
        assert not counts.excess or batch.status == Batch.Status.CANCELLED or counts.free == 0
        if batch.status != Batch.Status.CANCELLED:
            self.check_steps(batch)
        if batch.status == Batch.Status.AWAITING_CONTENT:
            assert counts.free > 0
        assert batch.status != Batch.Status.PROCESSING, "a batch at rest is not processing"
        runs = BatchResult.objects.filter(batch=batch).values_list("run").annotate(n=Count("pk"))
        assert all(n == 1 for _, n in runs)
        self.check_results(batch)

    def check_steps(self, batch: Batch) -> None:
        for run in StepRun.objects.filter(slot__batch=batch).select_related("slot"):
            if run.revision == run.slot.revision:
                assert run.status in StepRun.ENDED
                if run.slot.status != EssaySlot.Status.AWAITING_CONTENT:
                    assert run.language == language_of(run.slot.file, batch)
        if batch.is_closed and batch.settings.steps:
            for slot in batch.slots.exclude(status=EssaySlot.Status.AWAITING_CONTENT):
                assert slot.status in {EssaySlot.Status.COMPLETED, EssaySlot.Status.FAILED}

    def check_results(self, batch: Batch) -> None:
        assigned = FileUpload.objects.filter(batch=batch, status="assigned")
        results = EssayResult.objects.filter(batch=batch)
        held = "slot_id", "text_storage_id"
        assert set(results.values_list("file_id", *held)) == set(assigned.values_list("pk", *held))
        if batch.status in {
            Batch.Status.COMPLETED,
            Batch.Status.COMPLETED_WITH_FAILURES,
            Batch.Status.FAILED,
        }:
            for result in results:
                assert set(result.phases) == set(batch.settings.steps)

    def teardown(self) -> None:
        if hasattr(self, "batches"):
            self.everything_comes_to_rest()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def quick_steps() -> Iterator[None]:
    """Reading and spelling without their cost."""
    quick = replace(essay_phase("spellcheck"), step=quick_spelling)
    with (
        mock.patch("files.sandbox.run", quick_reading),
        mock.patch("files.tasks.find_language", quick_language),
        mock.patch.dict(PHASES, {"spellcheck": quick}),
    ):
        yield


@pytest.mark.timeout(SECONDS)
def test_any_sequence_keeps_the_promises(transactional_db: None, quick_steps: None) -> None:
    run_state_machine_as_test(
        PipelineMachine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
