"""Queued work: fair shares, leases that end with their worker, retries that end, late workers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries, Settings

from files.actions import reading
from files.models import FileUpload
from files.tasks import EXTRACTION
from huleedu import steps
from huleedu.failures.errors import ErrorCode
from huleedu.models import DeadLetter, WorkItem
from huleedu.steps import work_next
from huleedu.work import queue as work
from huleedu.work.handlers import HANDLERS
from huleedu.work.seats import for_one_phase
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline
from tests.seats import all_taken, kill, sit_down

DOUBLE = 2


def order(
    owner: int,
    priority: str = "NORMAL",
    retries: int = 2,
    subject: UUID | None = None,
    step: str = "extract",
) -> work.WorkOrder:
    subject = subject or uuid4()
    return work.WorkOrder(
        step=step,
        subject_id=subject,
        revision=0,
        batch_id=uuid4(),
        owner_id=owner,
        file_upload_id=subject,
        correlation_id=uuid4(),
        priority=priority,
        max_retries=retries,
        timeout_seconds=60,
    )


def must_not_run(_item: WorkItem) -> None:
    pytest.fail("it must not run")


def queue(owner: int, priority: str = "NORMAL", count: int = 1) -> None:
    with transaction.atomic():
        for _ in range(count):
            work.enqueue(order(owner, priority))


def take() -> WorkItem:
    """The next item, done at once."""
    with work.claimed("extract") as item:
        assert item is not None
        with transaction.atomic():
            assert work.finish(item)
        return item


def take_order(count: int) -> list[str]:
    items = [take() for _ in range(count)]
    return [f"{item.owner_id}{item.priority[0]}" for item in items]


@contextmanager
def held_by_another() -> Iterator[WorkItem]:
    """An item leased to another session for as long as the block runs."""
    taken, done = threading.Event(), threading.Event()
    found: list[WorkItem] = []

    def hold() -> None:
        with work.claimed("extract") as item:
            assert item is not None
            found.append(item)
            taken.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    try:
        yield found[0]
    finally:
        done.set()
        thread.join(10)


def make_due() -> None:
    WorkItem.objects.filter(state="queued").update(due_at=timezone.now() - timedelta(seconds=1))


def pass_time(seconds: float) -> None:
    """As if everything that waits had been queued earlier."""
    WorkItem.objects.update(rank=F("rank") - round(seconds * 1000))


def test_a_flood_of_one_owner_does_not_delay_another(transactional_db: None) -> None:
    queue(1, count=200)
    # The more are done, the later the next: by twenty seconds, in which any machine has queued three others.
    assert take_order(20) == ["1N"] * 20
    queue(2, count=3)
    assert take_order(4) == ["2N", "2N", "2N", "1N"]


def test_owners_with_as_much_to_do_take_turns(transactional_db: None) -> None:
    for owner in (1, 2, 3):
        queue(owner, "LOW", 10)  # four seconds apart: within them all three have begun
    served = take_order(15)
    assert {name: served.count(name) for name in ("1L", "2L", "3L")} == {"1L": 5, "2L": 5, "3L": 5}


def test_high_comes_round_more_often_than_low_and_low_never_starves(transactional_db: None) -> None:
    queue(1, "LOW", 20)
    queue(2, "NORMAL", 40)
    queue(3, "HIGH", 80)
    served = take_order(42)
    high, normal, low = (served.count(name) for name in ("3H", "2N", "1L"))
    assert high > DOUBLE * normal > DOUBLE * low > 0, served
    assert served.index("1L") < 25


def test_low_is_served_while_high_never_stops_coming(transactional_db: None) -> None:
    queue(1, "LOW", 1)
    queue(2, "HIGH", 10)
    served = []
    for _ in range(40):
        queue(2, "HIGH", 1)
        served.append(take_order(1)[0])
        pass_time(0.2)
    assert "1L" in served


def test_a_flood_is_served_while_others_never_stop_coming(transactional_db: None) -> None:
    queue(1, count=100)
    served = []
    for owner in range(2, 202):
        queue(owner)
        served += take_order(1)
        pass_time(1)
    assert 90 < served.count("1N") < 101, "one a second is its own"


def test_the_same_work_is_queued_once_with_one_token(transactional_db: None) -> None:
    same = order(1)
    with transaction.atomic():
        work.enqueue(same)
        work.enqueue(same)
    assert WorkItem.objects.count() == OrmQ.objects.count() == 1


def test_a_rolled_back_order_leaves_no_token(transactional_db: None) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        work.enqueue(order(1))
        raise RuntimeError
    assert not WorkItem.objects.exists() and not OrmQ.objects.exists()


def test_work_that_was_never_tried_waits_for_no_clock(transactional_db: None) -> None:
    """The database's clock may have been put back since it was queued."""
    queue(1)
    OrmQ.objects.all().delete()
    WorkItem.objects.update(due_at=timezone.now() + timedelta(hours=1))
    work.tend()
    assert OrmQ.objects.count() == 1
    assert take().owner_id == 1


def test_an_item_is_leased_to_one_worker(transactional_db: None) -> None:
    queue(1)
    with held_by_another(), work.claimed("extract") as second:
        assert second is None


def test_a_sign_of_life_that_cannot_be_written_keeps_no_lease(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session lives on, as on a full disk, and the worker with it."""
    queue(1)

    def fail() -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(work.WORKER, "beat", fail)
        with pytest.raises(OperationalError), work.claimed("extract"):
            raise AssertionError("not reached")
    work.tend()
    assert take().attempts == DOUBLE


def test_an_empty_queue_gives_nothing(transactional_db: None) -> None:
    with work.claimed("extract") as item:
        assert item is None


def test_the_lease_of_a_dead_worker_is_taken_back_and_that_of_a_living_one_kept(
    transactional_db: None,
) -> None:
    queue(1)
    with held_by_another() as item:
        work.tend()
        assert WorkItem.objects.get().state == "running", "its worker lives"
        OrmQ.objects.all().delete()
    work.tend()
    again = WorkItem.objects.get()
    assert (again.state, again.leased_at, again.attempts) == ("queued", None, 1)
    assert again.pk == item.pk
    assert OrmQ.objects.count() == 1, "it has a token again"


def test_a_worker_that_hangs_loses_its_lease_in_the_end(transactional_db: None) -> None:
    queue(1)
    with held_by_another():
        WorkItem.objects.update(
            leased_at=timezone.now() - timedelta(seconds=60 + work.LEASE_MARGIN_SECONDS + 1)
        )
        work.tend()
        assert WorkItem.objects.get().state == "queued"


def test_a_late_worker_changes_nothing(pipeline: Pipeline, teacher: User) -> None:
    upload = pipeline.upload(pipeline.register(teacher, 1), essay_bytes(1))
    pipeline.relay.drain()
    with held_by_another() as late:
        WorkItem.objects.update(state="queued", leased_at=None)
        pipeline.run()
        upload.refresh_from_db()
        assert upload.status == FileUpload.Status.ASSIGNED
        before = upload.rev
        reading.reject(late, ErrorCode.TIMEOUT, {})
        with transaction.atomic():
            assert not work.finish(late)
        work.fail(late, "ValueError", lambda: pytest.fail("a late worker gives nothing up"))
    upload.refresh_from_db()
    assert (upload.status, upload.rev) == (FileUpload.Status.ASSIGNED, before)
    assert not DeadLetter.objects.exists()


def test_a_late_worker_cannot_take_work_from_its_successor(transactional_db: None) -> None:
    queue(1)
    with held_by_another() as late:
        WorkItem.objects.update(state="queued", leased_at=None)
        with work.claimed("extract") as successor:
            assert successor is not None and successor.attempts == DOUBLE
            work.fail(late, "ValueError", lambda: None)
            with transaction.atomic():
                assert not work.finish(late)
            assert WorkItem.objects.get().state == "running"
            with transaction.atomic():
                assert work.finish(successor)
    assert not WorkItem.objects.exists()


def test_failures_are_tried_again_later_then_given_up_once(transactional_db: None) -> None:
    with transaction.atomic():
        work.enqueue(order(1, retries=2))
    given_up: list[WorkItem] = []
    tries = 0

    def step(_item: WorkItem) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("what a pupil wrote")

    for attempt in range(1, 4):
        with work.claimed("extract") as item:
            assert item is not None and item.attempts == attempt
            work.run(item, replace(EXTRACTION, run=step, give_up=given_up.append))
        waiting = WorkItem.objects.filter(state="queued", due_at__gt=Now()).exists()
        assert waiting == (attempt < 3)
        make_due()
    assert tries == 3
    assert len(given_up) == 1
    assert not WorkItem.objects.exists()
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.event_type, letter.attempts) == ("work", "extract", 3)
    assert letter.last_error.startswith("ValueError in ") and "pupil" not in letter.last_error
    assert letter.first_failed_at < letter.died_at


def test_work_that_kills_its_workers_is_given_up_without_another(transactional_db: None) -> None:
    with transaction.atomic():
        work.enqueue(order(1, retries=1))
    WorkItem.objects.update(attempts=2)
    given_up: list[WorkItem] = []
    with work.claimed("extract") as item:
        assert item is not None
        work.run(item, replace(EXTRACTION, run=must_not_run, give_up=given_up.append))
    assert len(given_up) == 1
    assert DeadLetter.objects.get().last_error.startswith("WorkersDied")


def test_an_outcome_that_cannot_be_recorded_leaves_no_dead_letter_behind(transactional_db: None) -> None:
    with transaction.atomic():
        work.enqueue(order(1, retries=0))

    def cannot_give_up(_item: WorkItem) -> None:
        raise RuntimeError

    def step(_item: WorkItem) -> None:
        raise ValueError

    with pytest.raises(RuntimeError), work.claimed("extract") as item:
        assert item is not None
        work.run(item, replace(EXTRACTION, run=step, give_up=cannot_give_up))
    assert not DeadLetter.objects.exists()
    assert WorkItem.objects.get().state == "running"
    work.tend()
    assert WorkItem.objects.get().state == "queued"


def test_waits_grow_and_have_a_limit() -> None:
    for attempts in range(1, 12):
        ceiling = min(work.BACKOFF_LIMIT_SECONDS, work.BACKOFF_SECONDS * 2**attempts)
        for _ in range(20):
            assert ceiling / 2 <= work.backoff(attempts).total_seconds() <= ceiling


def test_a_lost_token_is_replaced(transactional_db: None) -> None:
    queue(1)
    OrmQ.objects.all().delete()
    work.tend()
    assert OrmQ.objects.count() == 1


def test_no_more_tokens_than_work_and_never_more_than_workers_need(transactional_db: None) -> None:
    for number in range(3):
        queue(number)
    for taken in (0, 1, 0):
        OrmQ.objects.filter(pk__in=OrmQ.objects.values("pk")[:taken]).delete()
        work.tend()
        assert OrmQ.objects.count() == 3
    queue(1, count=50)
    assert OrmQ.objects.count() == work.TOKENS


def test_a_token_that_a_worker_has_taken_does_not_count(transactional_db: None) -> None:
    queue(1)
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    queue(1)
    assert OrmQ.objects.filter(lock__lte=Now()).count() == DOUBLE, (
        "that worker may just have seen an empty queue"
    )


def test_one_token_runs_everything_that_waits(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SLICE_SECONDS", 60.0)
    batch = pipeline.register(teacher, 3)
    for number in range(3):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.relay.drain()
    work_next()
    assert not WorkItem.objects.exists()
    assert pipeline.event_types(batch).count("FileProcessingStarted") == 0, "the relay has not been there yet"
    pipeline.relay.drain()
    work_next()
    pipeline.relay.drain()
    batch.refresh_from_db()
    assert batch.status == "completed"


def test_a_worker_goes_back_to_its_cluster_when_its_slice_is_over(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SLICE_SECONDS", 0.0)
    batch = pipeline.register(teacher, 3)
    for number in range(3):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.relay.drain()
    OrmQ.objects.all().delete()
    work_next()
    assert list(WorkItem.objects.order_by("pk").values_list("step", flat=True)) == [
        "extract",
        "extract",
        "spellcheck",
    ]
    assert OrmQ.objects.count() == 3, "the rest has tokens"


def test_no_phase_takes_every_worker(transactional_db: None, settings: Settings) -> None:
    settings.STEP_WORKERS = 3
    with transaction.atomic():
        for step in ("extract", "spellcheck"):
            work.enqueue(order(1, step=step))
    with all_taken("spellcheck", 2):
        with work.claimed("spellcheck") as item:
            assert item is None, "the last worker is for the others"
        with work.claimed("extract") as item:
            assert item is not None
    with work.claimed("spellcheck") as item:
        assert item is not None


def test_work_that_took_too_long_is_done_by_one_at_a_time(transactional_db: None) -> None:
    queue(1, count=2)
    slow = WorkItem.objects.order_by("id").first()
    assert slow is not None
    slow.slow = True
    slow.save(update_fields=["slow"])
    with all_taken("slow", 1), work.claimed("extract") as item:
        assert item is not None
        assert item.pk != slow.pk, "somebody does a slow one already"
    with work.claimed("extract") as item:
        assert item is not None
        assert item.pk == slow.pk, "it comes first again, for it was the first to come"


def test_whoever_does_quick_work_keeps_nobody_from_the_slow(transactional_db: None) -> None:
    queue(1)
    with work.claimed("extract"), all_taken("slow", 1):
        pass


def test_a_first_try_that_took_too_long_does_not_count(transactional_db: None) -> None:
    def hurried(item: WorkItem) -> None:
        raise work.TooSlow

    queue(1)
    for _ in range(5):
        with work.claimed("extract") as item:
            assert item is not None
            work.run(item, replace(EXTRACTION, run=hurried, give_up=must_not_run))
    left = WorkItem.objects.get()
    assert (left.state, left.slow, left.first_error) == ("queued", True, "")
    assert left.max_retries + 1 - left.attempts == 3, "as many tries are left as before"
    assert not DeadLetter.objects.exists()


def test_reading_goes_before_checking(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def do(item: WorkItem) -> None:
        done.append(item.step)
        with transaction.atomic():
            assert work.finish(item)

    names = {"extract": True, "spellcheck": False, "analysis": False}
    doing = {name: replace(EXTRACTION, name=name, run=do, first=first) for name, first in names.items()}
    monkeypatch.setattr(HANDLERS, "by_name", doing)
    with transaction.atomic():
        for step in ("spellcheck", "analysis", "spellcheck", "analysis", "extract", "extract"):
            work.enqueue(order(1, step=step))
    work_next()
    assert done == ["extract", "extract", "spellcheck", "analysis", "spellcheck", "analysis"]


def held_leases() -> int:
    """Of this database; others on the server have theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND classid = %s AND datname = current_database()",
            [work.LEASE_CLASS],
        )
        (held,) = cursor.fetchone()
        return int(held)


def test_the_first_step_with_work_gives_it_with_one_statement(
    transactional_db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with transaction.atomic():
        work.enqueue(order(1, step="analysis"))
        work.enqueue(order(1, step="spellcheck"))
    work.WORKER.beat()
    for expected in ("spellcheck", "analysis"):
        with django_assert_num_queries(2), work.claimed("extract", "spellcheck", "analysis") as item:
            assert item is not None and item.step == expected
            assert work.finish(item)
    with django_assert_num_queries(1), work.claimed("extract", "spellcheck", "analysis") as item:
        assert item is None


def test_a_step_without_a_seat_is_passed_over(transactional_db: None) -> None:
    queue(1)
    with transaction.atomic():
        work.enqueue(order(1, step="spellcheck"))
    with all_taken("extract", for_one_phase()), work.claimed("extract", "spellcheck") as item:
        assert item is not None and item.step == "spellcheck"
        _, has_seat = child = sit_down("analysis", 1)
        kill(child[0])
        assert has_seat, "seats that were only looked at are free again"


def test_whoever_finishes_has_no_lease_left(transactional_db: None) -> None:
    queue(1)
    with work.claimed("extract") as item:
        assert item is not None and held_leases() == 1
        with transaction.atomic():
            assert work.finish(item)
        assert held_leases() == 0
    assert not WorkItem.objects.exists()


def test_a_finish_that_is_undone_gives_the_work_back(transactional_db: None) -> None:
    queue(1)
    with work.claimed("extract") as item:
        assert item is not None
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            work.finish(item)
            raise ZeroDivisionError
        assert not item.is_finished
    work.tend()
    assert take().attempts == DOUBLE


def test_taking_back_waits_for_nobody_who_is_about_to_finish(transactional_db: None) -> None:
    queue(1)
    with work.claimed("extract") as item:
        assert item is not None
        with transaction.atomic():
            assert work.finish(item)
            thread = threading.Thread(target=tend_apart)
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
    assert not WorkItem.objects.exists()


def tend_apart() -> None:
    try:
        work.tend()
    finally:
        connection.close()
