"""Tidying: what crashes and age leave behind goes, everything else stays."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from files import content
from files.models import StoredContent
from huleedu.models import ConsumedEvent, IdempotencyRecord, RelayPresence, Session
from huleedu.relay import maintenance
from huleedu.relay.loop import Due, Relay
from tests.conftest import essay_bytes
from tests.log_capture import captured_logs
from tests.pipeline import Pipeline

Questions = Callable[[int], AbstractContextManager[object]]


def age(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def tidied() -> maintenance.Tidied:
    found = maintenance.tidy()
    assert found is not None
    return found


def test_old_bytes_without_a_row_go_and_all_others_stay(
    pipeline: Pipeline, teacher: User, content_folder: Path
) -> None:
    upload = pipeline.upload(pipeline.register(teacher, 1), essay_bytes(1))
    pipeline.run()
    orphan = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"crashed before the row"))
    young = content.store(StoredContent.Kind.TEXT, uuid4(), ContentFile(b"being written"))
    for path in content_folder.rglob("*"):
        if path.is_file() and path.name != young.id.hex:
            age(path, 0.6)

    found = tidied()
    assert (found.orphans, found.unfinished) == (1, 0)
    names = {path.name for path in content_folder.rglob("*") if path.is_file()}
    upload.refresh_from_db()
    assert upload.raw_storage_id is not None and upload.text_storage_id is not None
    assert names == {upload.raw_storage_id.hex, upload.text_storage_id.hex, young.id.hex}
    assert orphan.id.hex not in names


def test_partly_written_files_and_probes_go_after_half_an_hour(
    transactional_db: None, content_folder: Path
) -> None:
    names = {
        "raw/ab/abcd.0123.part": 2.0,
        "raw/ab/ffff.4567.part": 0.4,
        "probe/0123": 2.0,
        "raw/ab/notes.txt": 2.0,
    }
    for name, hours in names.items():
        path = content_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        age(path, hours)
    assert tidied().unfinished == 2
    left = {str(path.relative_to(content_folder)) for path in content_folder.rglob("*") if path.is_file()}
    assert left == {"raw/ab/ffff.4567.part", "raw/ab/notes.txt"}


def test_a_store_that_was_never_used_is_no_trouble(transactional_db: None, content_folder: Path) -> None:
    assert not content_folder.exists()
    assert tidied() == maintenance.Tidied(0, 0, 0, 0, 0, 0, 0)


def test_outdated_rows_go_and_young_ones_stay(transactional_db: None, teacher: User) -> None:
    now = timezone.now()
    for number, hours in enumerate((25, 23)):
        IdempotencyRecord.objects.create(
            owner=teacher, key=str(number), created_at=now - timedelta(hours=hours), status_code=200
        )
    for number, days in enumerate((31, 29)):
        ConsumedEvent.objects.create(
            consumer="c", event_id=str(number), consumed_at=now - timedelta(days=days)
        )
    for name, minutes in (("gone", 11), ("here", 1)):
        RelayPresence.objects.create(name=name, role="relay", seen_at=now - timedelta(minutes=minutes))
    for key, hours in (("ended", -1), ("live", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + timedelta(hours=hours))
    assert tidied() == maintenance.Tidied(0, 0, 1, 1, 1, 1, 0)
    assert IdempotencyRecord.objects.get().key == "1"
    assert ConsumedEvent.objects.get().event_id == "1"
    assert RelayPresence.objects.get().name == "here"
    assert Session.objects.get().session_key == "live"


def test_every_run_is_bounded(
    transactional_db: None, content_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "DELETED_ROWS", 2)
    monkeypatch.setattr(maintenance, "EXAMINED_FILES", 2)
    old = timezone.now() - timedelta(days=40)
    for number in range(5):
        ConsumedEvent.objects.create(consumer="c", event_id=str(number), consumed_at=old)
        stored = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"x"))
        age(content_folder / content.storage_name(stored.kind, stored.id), 2)
    first = tidied()
    assert first.consumed_events == 2
    assert 2 <= first.orphans < 5
    assert (tidied().consumed_events, tidied().consumed_events) == (2, 1)


def test_only_one_tidies_at_a_time(transactional_db: None) -> None:
    found: list[object] = []

    def other() -> None:
        found.append(maintenance.tidy())
        connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [maintenance.TIDY_LOCK])
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [maintenance.TIDY_LOCK])
    assert found == [None]


def test_the_relay_tidies_every_hour_beside_its_work(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    clock = [1000.0]
    monkeypatch.setattr("huleedu.relay.loop.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(maintenance, "tidy_in_background", lambda: calls.append("tidy"))
    relay = Relay()
    for moment in (1000, 1059, 1061, 4600, 4662, 4700):
        clock[0] = moment
        relay._tend(Due([], False, False, False, None))
    assert len(calls) == 2


def test_a_failure_in_the_background_is_quiet(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_now: object) -> None:
        raise OSError("Astrid.docx")

    monkeypatch.setattr(maintenance, "tidy_everything", fail)
    with captured_logs() as text:
        maintenance.tidy_quietly()
    assert "maintenance.failed" in text.getvalue() and "Astrid" not in text.getvalue()


def test_the_command_tells_what_it_did(transactional_db: None) -> None:
    output = StringIO()
    call_command("tidy", stdout=output)
    assert "orphans: 0" in output.getvalue()


def test_nothing_orphaned_grows_older_than_an_hour() -> None:
    assert maintenance.UNFINISHED + timedelta(seconds=maintenance.INTERVAL_SECONDS) < timedelta(hours=1)


def test_a_store_of_ordinary_size_costs_few_questions(
    transactional_db: None, content_folder: Path, django_assert_max_num_queries: Questions
) -> None:
    for _ in range(300):
        orphan = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"x"))
        age(content_folder / content.storage_name(orphan.kind, orphan.id), 1)
    with django_assert_max_num_queries(39):
        assert tidied().orphans == 300


def test_a_large_store_is_examined_in_piles(
    transactional_db: None, content_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "ASKED_FILES", 10)
    monkeypatch.setattr(maintenance, "EXAMINED_FILES", 50)
    for _ in range(120):
        orphan = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(b"x"))
        age(content_folder / content.storage_name(orphan.kind, orphan.id), 1)
    assert 50 <= tidied().orphans < 70


def test_tidying_a_slow_store_keeps_no_transaction_open(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database ends one that waits for twenty seconds; listing a distant store takes longer."""
    open_ones = []

    def listed(_folder: str) -> list[str]:
        open_ones.append(connection.in_atomic_block)
        return []

    monkeypatch.setattr("huleedu.relay.maintenance.list_files", listed)
    maintenance.tidy()
    assert len(open_ones) > 500 and not any(open_ones)
