"""Metrics: right from the database, bounded, for whom they are, and named by every alert rule."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from botocore.exceptions import BotoCoreError
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoDbBlocker, Settings
from requests import RequestException

from batches.models import Batch
from files import content
from files.actions import removing
from files.models import FileUpload
from files.store import STORE, reach
from huleedu.accounts import doors
from huleedu.accounts.oidc_requests import SCHOOL, ThroughTheDoor
from huleedu.backup import last_backup
from huleedu.erasure import Erasure
from huleedu.failures.errors import ContentDamaged, ErrorCode, StorageFailed
from huleedu.machine import log_files
from huleedu.models import Backup, DeadLetter, LoggedEvent, OutboxMessage, RelayPresence, Timer, WorkItem
from huleedu.outside import disks, metrics, recent
from huleedu.outside.metrics import CIRCUIT_OPEN, observe_sent
from huleedu.postgres import counting
from huleedu.watching import collector, health
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

PROMISED = {
    "essay_validation_failed_total",
    "batch_completion_seconds_bucket",
    "dlq_messages_total",
    "outbox_depth",
    "outbox_oldest_age_seconds",
    "outbox_published_total",
    "outbox_failed_total",
    "outbox_publish_latency_seconds_bucket",
    "traceability_success_ratio",
    "event_to_socket_latency_seconds_bucket",
    "work_queue_depth",
    "django_q_queue_depth",
    "content_damaged",
    "circuit_open",
    "disk_free_bytes",
    "disk_margin_bytes",
    "disk_size_bytes",
    "disk_low",
    "disk_used_ratio",
    "redis_up",
    "http_server_errors_total",
    "http_server_errors_recent",
    "sign_in_failures_recent",
    "stuck_batches",
    "huleedu_build_info",
}
RULES = Path(settings.BASE_DIR) / "deploy" / "alerts.yml"
# `up` is what Prometheus itself notes of a scrape.
EXPRESSION = re.compile(
    r"(?P<name>\w+)(?:\{(?P<label>job|endpoint)=\"(?P<value>\w+)\"\})? (?P<sign>[<>]) (?P<limit>[\d.]+)"
)


@pytest.fixture(autouse=True)
def nothing_counted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are emptied between tests, so what a process has counted is forgotten too."""
    for table in (collector.EVENTS, collector.RUNS, collector.LETTERS):
        monkeypatch.setattr(table, "_last_id", 0)
        monkeypatch.setattr(table, "_settled", counting.Tally())
    metrics.RECENT_SERVER_ERRORS.clear()
    metrics.RECENT_WRONG_PASSWORDS.clear()
    room(monkeypatch, 50)


def room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """A disk of 100 bytes with as many free."""
    monkeypatch.setattr(disks.FINDINGS, "now", lambda: [disks.Disk("state", free, 100)])


def scrape(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name and label values."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    found["up"] = {(): 1.0}
    found.setdefault("log_bytes", {})
    return found


def test_a_small_day_is_counted_right(client: Client, pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, b"")
    pipeline.upload(batch, b"", "again.txt")
    pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    found = scrape(client)
    assert set(found) >= PROMISED
    assert found["essay_validation_failed_total"][("EMPTY_CONTENT",)] == 2
    assert found["essay_validation_failed_total"][("TIMEOUT",)] == 0
    assert found["outbox_published_total"][()] == LoggedEvent.objects.count()
    assert found["outbox_publish_latency_seconds_bucket"][("+Inf",)] == LoggedEvent.objects.count()
    batch.refresh_from_db()
    assert found["batch_completion_seconds_count"] == {(batch.status,): 1}
    assert found["outbox_depth"][()] == 0
    assert found["traceability_success_ratio"][()] == 1
    assert found["stuck_batches"][()] == 0
    assert found["dlq_messages_total"] == {("event",): 0, ("work",): 0}


def test_settled_rows_are_counted_once_and_new_ones_each_time(pipeline: Pipeline, teacher: User) -> None:
    table = counting.GrowingTable("huleedu_loggedevent", "relayed_at", ("event_type",), "1")
    pipeline.register(teacher, 1)
    pipeline.run()
    assert table.tally().counts == {("BatchEssaysRegistered",): 1}
    assert table.tally().counts == {("BatchEssaysRegistered",): 1}
    LoggedEvent.objects.update(relayed_at=timezone.now() - timedelta(hours=1))
    assert table.tally().counts == {("BatchEssaysRegistered",): 1}
    pipeline.register(teacher, 1)
    pipeline.run()
    both = table.tally()
    assert both.counts == {("BatchEssaysRegistered",): 2}
    assert both.sums == {("BatchEssaysRegistered",): 2.0}
    LoggedEvent.objects.all().delete()
    assert table.tally().counts == {("BatchEssaysRegistered",): 1}, "what was settled never goes down"


def test_labels_are_bounded_whatever_a_row_holds(client: Client, transactional_db: None) -> None:
    for number in range(5):
        log_failure(f"INVENTED_{number}")
    codes = {code for (code,) in scrape(client)["essay_validation_failed_total"]}
    assert codes == {*(code.value for code in ErrorCode), "OTHER"}
    assert scrape(client)["essay_validation_failed_total"][("OTHER",)] == 5


def log_failure(code: str) -> None:
    LoggedEvent.objects.create(
        event_id=uuid4().hex,
        event_type="EssayValidationFailed",
        topic="t",
        batch_id=uuid4(),
        correlation_id=uuid4(),
        occurred_at=timezone.now(),
        envelope={"data": {"validation_error_code": code}},
    )


def test_a_late_message_is_seen_in_the_socket_latency(client: Client, transactional_db: None) -> None:
    before = scrape(client)
    observe_sent((timezone.now() - timedelta(seconds=3)).isoformat())
    after = scrape(client)
    name = "event_to_socket_latency_seconds_sum"
    assert 2.9 < after[name][()] - before[name][()] < 4
    observe_sent("2026-01-01T10:00:00.12345+00:00")


def test_a_database_away_leaves_the_scrape_standing(
    client: Client, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    def away() -> Any:
        raise OperationalError

    monkeypatch.setattr(collector, "READERS", (away,))
    found = scrape(client)
    assert found["database_up"][()] == 0
    assert "outbox_depth" not in found
    assert "event_to_socket_latency_seconds_sum" in found


def test_a_scrape_costs_a_constant_number_of_queries(
    client: Client, pipeline: Pipeline, teacher: User
) -> None:
    with CaptureQueriesContext(connection) as empty:
        scrape(client)
    for _ in range(3):
        pipeline.upload(pipeline.register(teacher, 1), essay_bytes(1))
    pipeline.run()
    with CaptureQueriesContext(connection) as filled:
        scrape(client)
    assert len(empty) == len(filled) <= 18


@pytest.mark.parametrize(
    ("extra", "token", "behind_proxy", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, "", False, 200),
        ({"REMOTE_ADDR": "::1"}, "", False, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, "", False, 403),
        ({"REMOTE_ADDR": "127.0.0.1"}, "", True, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}, "", False, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, "", False, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "192.0.2.7"}, "", False, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver"}, "", False, 403),
        ({"REMOTE_ADDR": "127.0.0.1"}, "secret", False, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer secret"}, "secret", True, 200),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer sécret"}, "secret", True, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer "}, "", True, 403),
    ],
)
def test_metrics_are_for_this_machine_or_the_token(
    client: Client,
    settings: Settings,
    transactional_db: None,
    extra: dict[str, Any],
    token: str,
    behind_proxy: bool,
    status: int,
) -> None:
    settings.METRICS_TOKEN = token
    settings.BEHIND_PROXY = behind_proxy
    answer = client.get("/metrics", **extra)
    assert answer.status_code == status
    assert (b"outbox_depth" in answer.content) == (status == 200)


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}, 200),
        ({"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"}, 200),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "127.0.0.1"}, 403),
    ],
)
def test_behind_a_proxy_this_machine_itself_may_ask(
    client: Client, settings: Settings, transactional_db: None, extra: dict[str, Any], status: int
) -> None:
    settings.BEHIND_PROXY = True
    settings.TRUSTED_PROXIES = 1
    assert client.get("/metrics", **extra).status_code == status


def break_traceability(pipeline: Pipeline, batch: Batch) -> None:
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    FileUpload.objects.filter(pk=upload.pk).update(created_at=timezone.now() - timedelta(minutes=10))
    LoggedEvent.objects.filter(file_upload_id=upload.pk, event_type="EssaySlotAssigned").delete()


def leave_event_waiting(pipeline: Pipeline, batch: Batch) -> None:
    pipeline.upload(batch, essay_bytes(1))
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(minutes=2))


def bury_something(pipeline: Pipeline, batch: Batch) -> None:
    OutboxMessage.objects.update(event_type="FromTheFuture")
    for _ in range(4):
        OutboxMessage.objects.update(due_at=timezone.now())
        pipeline.relay.drain()


def strand_batch(pipeline: Pipeline, batch: Batch) -> None:
    pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    pipeline.work_once()
    pipeline.relay.drain()
    assert Batch.objects.filter(pk=batch.pk).update(started_at=timezone.now() - timedelta(minutes=5))
    OutboxMessage.objects.all().delete()
    WorkItem.objects.all().delete()


def lose_relay(_pipeline: Pipeline, _batch: Batch) -> None:
    RelayPresence.objects.filter(role="relay").delete()


def lose_standby(_pipeline: Pipeline, _batch: Batch) -> None:
    RelayPresence.objects.filter(role="standby").update(seen_at=F("seen_at") - timedelta(minutes=1))


def lose_workers(_pipeline: Pipeline, _batch: Batch) -> None:
    RelayPresence.objects.exclude(role="relay").update(seen_at=F("seen_at") - timedelta(minutes=5))


def spoil_text(pipeline: Pipeline, batch: Batch) -> None:
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    upload.refresh_from_db()
    default_storage.delete(content.storage_name("text", upload.text_id))
    with pytest.raises(ContentDamaged):
        content.read_text(upload.text_id)


def lose_store(_pipeline: Pipeline, _batch: Batch) -> None:
    for _ in range(5):
        with pytest.raises(StorageFailed):
            reach(away)


def away() -> None:
    raise BotoCoreError


def lose_school(_pipeline: Pipeline, _batch: Batch) -> None:
    for _ in range(5):
        with pytest.raises(RequestException):
            ThroughTheDoor().get("http://127.0.0.1:9/")


def guess(_pipeline: Pipeline, _batch: Batch) -> None:
    for _ in range(20):
        doors.count(doors.NETWORK, "a network", obeying=False)


def fail_often(_pipeline: Pipeline, _batch: Batch) -> None:
    for _ in range(11):
        metrics.count_answer(503)


def mistype_often(_pipeline: Pipeline, _batch: Batch) -> None:
    for _ in range(101):
        metrics.RECENT_WRONG_PASSWORDS.add()


def forget_backups(_pipeline: Pipeline, _batch: Batch) -> None:
    Backup.objects.update(moment=timezone.now() - timedelta(days=3))


def backed_up() -> None:
    """A backup of this moment."""
    note_backup(timedelta(0))


# Those whose condition lies outside the database have tests of their own below.
APART = {"DatabaseAway", "HuleEduAway", "RedisAway", "DiskFilling", "DiskLow", "LogLarge"}


def leave_removed(pipeline: Pipeline, batch: Batch) -> None:
    removing.remove(pipeline.upload(batch, essay_bytes(1)))
    Erasure.objects.update(due_at=timezone.now() - timedelta(minutes=20))


SEEDS: dict[str, Callable[[Pipeline, Batch], None]] = {
    "TraceabilityBroken": break_traceability,
    "OutboxOld": leave_event_waiting,
    "DeadLetters": bury_something,
    "BatchStuck": strand_batch,
    "RelayNotSeen": lose_relay,
    "NoStandby": lose_standby,
    "StepsNotSeen": lose_workers,
    "ContentDamaged": spoil_text,
    "StoreAway": lose_store,
    "SchoolSignInAway": lose_school,
    "PasswordsGuessed": guess,
    "ErasuresLate": leave_removed,
    "ServerErrors": fail_often,
    "SignInFailures": mistype_often,
    "BackupOld": forget_backups,
}


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return found


def crosses(rule: dict[str, Any], found: dict[str, dict[tuple[str, ...], float]]) -> bool:
    match = EXPRESSION.fullmatch(rule["expr"])
    assert match, rule["expr"]
    limit = float(match["limit"])
    wanted = match["value"] if match["label"] == "endpoint" else None  # the job is the scraper's word
    values = [value for labels, value in found[match["name"]].items() if wanted is None or wanted in labels]
    return any(value > limit if match["sign"] == ">" else value < limit for value in values)


def test_every_rule_has_words_and_a_test() -> None:
    assert {rule["alert"] for rule in rules()} == {*SEEDS, *APART}
    for rule in rules():
        assert rule["annotations"]["summary"] and rule["annotations"]["action"]


@pytest.fixture(autouse=True)
def good_day() -> Iterator[None]:
    """Nothing counts that tests before have left, and nothing is left to those after."""
    forget_troubles()
    yield
    forget_troubles()


def forget_troubles() -> None:
    """All is well as far as this process remembers."""
    for counted in (metrics.RECENT_SERVER_ERRORS, metrics.RECENT_WRONG_PASSWORDS):
        counted.clear()
    for endpoint in (STORE, SCHOOL):
        endpoint.forget()
        CIRCUIT_OPEN.labels(endpoint.name).set(0)


@pytest.mark.parametrize("alert", SEEDS)
def test_a_seeded_condition_crosses_the_threshold_and_a_good_day_does_not(
    client: Client, pipeline: Pipeline, teacher: User, alert: str
) -> None:
    (rule,) = [rule for rule in rules() if rule["alert"] == alert]
    for role in ("relay", "standby", "steps"):
        RelayPresence.objects.create(name=role, role=role)
    DeadLetter.objects.create(**letter(uuid4()), status="discarded")
    backed_up()
    batch = pipeline.register(teacher, 1)
    good = scrape(client)
    assert not any(crosses(each, good) for each in rules())
    SEEDS[alert](pipeline, batch)
    assert crosses(rule, scrape(client)), alert


def letter(batch_id: UUID) -> dict[str, Any]:
    return {
        "kind": "event",
        "event_type": "BatchFileAdded",
        "batch_id": batch_id,
        "correlation_id": uuid4(),
        "envelope": {},
        "consumer": "relay",
        "attempts": 4,
        "first_error": "ValueError",
        "last_error": "ValueError",
        "first_failed_at": timezone.now(),
    }


def test_a_deadline_whose_timer_is_lost_is_a_stuck_batch(
    client: Client, pipeline: Pipeline, teacher: User
) -> None:
    batch = pipeline.register(teacher, 1)
    pipeline.run()
    Batch.objects.filter(pk=batch.pk).update(deadline=timezone.now() - timedelta(minutes=2))
    Timer.objects.all().delete()
    assert scrape(client)["stuck_batches"][()] == 1


def test_work_that_waits_is_late_and_not_lost(client: Client, pipeline: Pipeline, teacher: User) -> None:
    upload = pipeline.upload(pipeline.register(teacher, 1), essay_bytes(1))
    pipeline.relay.drain()
    long_ago = timezone.now() - timedelta(minutes=10)
    FileUpload.objects.filter(pk=upload.pk).update(created_at=long_ago, updated_at=long_ago)
    assert scrape(client)["traceability_success_ratio"][()] == 1
    WorkItem.objects.all().delete()
    assert scrape(client)["traceability_success_ratio"][()] == 0


def test_alerts_hold_without_a_database(
    client: Client, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise InterfaceError

    monkeypatch.setattr(collector, "READERS", (away,))
    (rule,) = [rule for rule in rules() if rule["alert"] == "DatabaseAway"]
    with django_db_blocker.block():
        assert crosses(rule, scrape(client))


def rule_of(alert: str) -> dict[str, Any]:
    (found,) = [rule for rule in rules() if rule["alert"] == alert]
    return found


def note_backup(*ages: timedelta) -> None:
    """Backups so long ago."""
    for age in ages:
        Backup.objects.create(
            moment=timezone.now() - age,
            seconds=1,
            size=1,
            contents=0,
            damaged=0,
            encrypted=True,
            verified=True,
        )


@pytest.mark.parametrize(
    ("ages", "seconds", "old"),
    [
        ((), float("inf"), True),
        ((timedelta(days=3),), 259_200, True),
        ((timedelta(days=3), timedelta(hours=1)), 3600, False),
        ((timedelta(days=1),), 86_400, False),
    ],
)
def test_an_alert_holds_for_an_old_backup(
    client: Client, transactional_db: None, ages: tuple[timedelta, ...], seconds: float, old: bool
) -> None:
    assert float(rule_of("BackupOld")["expr"].split()[-1]) == last_backup.OLD_SECONDS
    note_backup(*ages)
    found = scrape(client)
    assert found["backup_age_seconds"][()] == pytest.approx(seconds, abs=60)
    assert crosses(rule_of("BackupOld"), found) == old


@pytest.mark.parametrize(("alert", "free"), [("DiskFilling", 9), ("DiskLow", 4)])
def test_alerts_hold_for_a_disk(
    client: Client, transactional_db: None, monkeypatch: pytest.MonkeyPatch, alert: str, free: int
) -> None:
    assert not crosses(rule_of(alert), scrape(client))
    room(monkeypatch, free)
    assert crosses(rule_of(alert), scrape(client))


def test_an_alert_holds_without_redis(
    client: Client, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError

    monkeypatch.setitem(health.CHECKS, "redis", away)
    assert crosses(rule_of("RedisAway"), scrape(client))


def test_an_alert_holds_for_a_log_that_is_never_cut(tmp_path: Path) -> None:
    assert float(rule_of("LogLarge")["expr"].split()[-1]) == log_files.LARGE_BYTES
    (tmp_path / "web.log").write_text("a line\n")
    (tmp_path / "web.log.1").write_text("a former line\n")
    size, silent = log_files.LogFacts(tmp_path).collect()
    assert [(sample.labels, sample.value) for sample in size.samples] == [({"log": "web"}, 21)]
    assert 0 <= silent.samples[0].value < 60


def test_answers_are_counted_by_whose_failure_they_are(client: Client, transactional_db: None) -> None:
    before = scrape(client)["http_server_errors_total"][()]
    client.get("/nowhere/")
    assert scrape(client)["http_server_errors_total"][()] == before
    metrics.count_answer(507)
    assert scrape(client)["http_server_errors_total"][()] == before + 1


def test_what_is_recent_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("huleedu.outside.recent.time.monotonic", lambda: now)
    counted = recent.Recent()
    counted.add()
    counted.add()
    now += 300
    counted.add()
    assert counted.total() == 3
    now += 301
    assert counted.total() == 1
    now += 600
    assert counted.total() == 0
