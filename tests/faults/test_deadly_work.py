"""Work on which workers die or hang: two of them, not the cluster, and a busy worker gives signs of life."""

import time
from pathlib import Path

import pytest
from django.utils import timezone

from batches.models import Batch
from files.models import FileUpload
from huleedu.models import DeadLetter, RelayPresence, WorkItem
from huleedu.postgres.presence import process_name
from huleedu.relay import overseeing
from huleedu.work import queue as work
from tests.faults.ending import Program, program, started, until
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def passages(folder: Path) -> int:
    """How often a worker came by the failpoint."""
    return len(list(folder.rglob("failpoint-extract.mid-*")))


def is_buried() -> bool:
    """What the relay does every second; then whether the work is given up."""
    work.tend()
    return DeadLetter.objects.exists()


def ends_after_its_second_worker(found: Program, pipeline: Pipeline, folder: Path) -> None:
    until(is_buried, 120)
    assert passages(folder) == work.DEADLY
    assert found.process.poll() is None, "the cluster goes on"
    assert DeadLetter.objects.get().last_error.startswith("WorkersDied")
    pipeline.relay.drain()
    upload = FileUpload.objects.get()
    assert (upload.status, (upload.error or {}).get("error_code")) == ("failed", "EXTRACTION_FAILED")


def test_what_kills_its_workers_is_given_up_after_the_second(
    queued: Batch, pipeline: Pipeline, tmp_path: Path
) -> None:
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="extract.mid:kill9:9") as found:
        ends_after_its_second_worker(found, pipeline, tmp_path)


@pytest.mark.parametrize("how", ["sleep=600", "hang"])
def test_a_stuck_worker_is_ended_alone(queued: Batch, pipeline: Pipeline, how: str, tmp_path: Path) -> None:
    armed = f"extract.mid:{how}:9"
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT=armed, HULEEDU_TASK_SECONDS="4") as found:
        ends_after_its_second_worker(found, pipeline, tmp_path)


def test_a_busy_worker_gives_signs_of_life(queued: Batch, tmp_path: Path) -> None:
    with started(*program("steps"), tmp_path, HULEEDU_FAILPOINT="extract.mid:sleep=60"):
        until(lambda: WorkItem.objects.filter(state="running").exists(), 60)
        name = WorkItem.objects.get().worker
        time.sleep(24)
        seen_at = RelayPresence.objects.get(name=name).seen_at
        assert (timezone.now() - seen_at).total_seconds() < 10


def running_item(worker: str) -> WorkItem:
    item = WorkItem.objects.get()
    WorkItem.objects.update(state="running", worker=worker, leased_at=timezone.now(), attempts=1)
    return item


def test_only_the_death_of_who_has_it_counts(queued: Batch) -> None:
    running_item(overseeing.name_of(4711))
    overseeing.tell_dead(4712)
    assert WorkItem.objects.get().deaths == 0
    overseeing.tell_dead(4711)
    overseeing.tell_dead(4711)
    assert WorkItem.objects.get().deaths == 1
    work.tend()
    with work.claimed("extract") as item:
        assert item is not None
        assert (item.deaths, item.worker) == (1, process_name("worker"))


def test_what_was_given_back_or_failed_is_nobodys_death(queued: Batch) -> None:
    with work.claimed("extract") as item:
        assert item is not None
        worker = item.worker
        work.fail(item, "ValueError", lambda: None)
    overseeing.tell_dead(int(worker.rpartition("-")[2]))
    assert WorkItem.objects.get().deaths == 0


def test_an_outage_is_nobodys_death(queued: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    running_item(overseeing.name_of(4711))
    monkeypatch.setattr(overseeing, "address", lambda: {"host": "127.0.0.1", "port": 1, "dbname": "none"})
    overseeing.tell_dead(4711)
    overseeing.tell_alive([4711])
    assert WorkItem.objects.get().deaths == 0
