"""Rows 86 and 87: clocks of clients that are wrong, nights that have 23 or 25 hours, seconds that leap."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone, translation
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError
from rest_framework.test import APIClient

import batches.forms
import huleedu.accounts.forms  # noqa: F401 - every form of ours must be known
from batches.models import Batch
from batches.shapes import KeepBody, SettingsBody
from huleedu.api.shapes import Query, RequestBody
from huleedu.models import LoggedEvent, Timer
from huleedu.templatetags import interface
from tests.api import body_of, client_of, manifest_of, problem, register, some_file, upload
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
STOCKHOLM = ZoneInfo("Europe/Stockholm")
CLOCKS = ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "two days ago", ""]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def database_time() -> datetime:
    """The one clock that counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_clock_of_a_client_is_not_looked_at(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, clock: str
) -> None:
    headers = {
        "Date": clock,
        "If-Modified-Since": clock,
        "If-Unmodified-Since": clock,
        "X-Client-Time": clock,
    }
    before = database_time()
    body = {"expected_essay_count": 1, "configuration": {"readiness_seconds": 3600}}
    answer = client.post("/v1/batches/register", body, format="json", headers=headers)
    assert answer.status_code == 201
    batch_id = body_of(answer)["batch_id"]
    assert upload(client, batch_id, some_file(make_essay(1)), headers=headers).status_code == 201
    pipeline.relay.drain()
    after = database_time()
    snapshot = body_of(client.get(f"/v1/batches/{batch_id}", headers=headers))
    told = LoggedEvent.objects.get(event_type="EssayUploadFinished").envelope
    times = [snapshot["created_at"], snapshot["files"][0]["created_at"], told["data"]["upload_ts"]]
    times.append(told["occurred_at"])
    assert all(before <= datetime.fromisoformat(time) <= after for time in times)
    deadline = datetime.fromisoformat(snapshot["deadline"]) - timedelta(hours=1)
    assert before <= deadline <= after


@pytest.mark.parametrize("name", ["upload_ts", "created_at", "timestamp", "lastModified"])
@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0, 2**63])
def test_no_upload_can_say_when_it_was(client: APIClient, make_essay: Essays, name: str, time: Any) -> None:
    batch_id = register(client)["batch_id"]
    field = {name: str(time)}
    problem(upload(client, batch_id, some_file(make_essay(1)), **field), 400, "INVALID")
    (entry,) = json.loads(manifest_of(("essay.txt", make_essay(1))))
    manifest = json.dumps([{**entry, name: time}])
    problem(upload(client, batch_id, some_file(make_essay(1)), manifest=manifest), 400, "INVALID")
    assert not Batch.objects.get().files.exists()


def kinds_below(kind: type[Any]) -> Iterator[type[Any]]:
    """``kind`` and everything that was made from it."""
    yield kind
    for below in kind.__subclasses__():
        yield from kinds_below(below)


def test_a_time_is_written_only_where_it_may_be_missing_or_double() -> None:
    ours = [form for form in kinds_below(forms.Form) if not form.__module__.startswith("django.")]
    assert batches.forms.ExtendForm in ours
    times = (forms.DateTimeField, forms.TimeField, forms.SplitDateTimeField)
    fields = [named for form in ours for named in form.base_fields.items()]
    written = {type(field) for name, field in fields if isinstance(field, times)}
    assert written == {batches.forms.LocalTimeField}
    # A day is never missing or double: the last one that a batch is kept.
    assert [name for name, field in fields if isinstance(field, forms.DateField)] == ["until"]
    bodies: list[type[BaseModel]] = [*kinds_below(RequestBody), *kinds_below(Query)]
    assert len(bodies) > 10
    described = {body: json.dumps(body.model_json_schema()) for body in bodies}
    # A program's deadline says its distance from UTC, so it is one moment.
    assert [body for body, text in described.items() if "date-time" in text] == [SettingsBody]
    with pytest.raises(PydanticError, match="timezone"):
        SettingsBody.model_validate({"deadline": "2026-10-25T02:30:00"})
    assert [body for body, text in described.items() if '"date"' in text] == [KeepBody]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-10-25T02:30", "2026-10-25T01:30Z"),  # twice: the second
        ("2026-10-25T01:59", "2026-10-24T23:59Z"),
        ("2026-03-29T02:30", "2026-03-29T01:30Z"),  # missing: 03:30 is shown
        ("2026-07-01T12:00:00", "2026-07-01T10:00Z"),
        ("0001-01-01T00:00", None),
        ("2026-02-30T00:00", None),
        ("2026-07-01T12:00+02:00", None),
        ("12:00", None),
    ],
)
def test_a_deadline_written_by_the_clock_on_the_wall(written: str, meant: str | None) -> None:
    field = batches.forms.LocalTimeField()
    if meant is None:
        with pytest.raises(ValidationError, match="Write a day and a time"), translation.override("en"):
            field.clean(written)
    else:
        assert field.clean(written) == datetime.fromisoformat(meant)


def test_a_deadline_in_an_hour_that_comes_twice_stays_when_something_else_is_set(teacher: User) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    batch = Batch(deadline=first, expected_essay_count=2, title="a", configuration={"steps": []})
    shown = {"deadline": "2026-10-25T02:30", "expected_essay_count": "2", "auto_start": "on", "title": "b"}
    form = batches.forms.SettingsForm.of(batch, shown)
    assert form.is_valid(), form.errors
    assert form.changed() == {"title": "b"}


NIGHTS = [
    # Local time of registration, and local time a day of 86,400 seconds later.
    ("2026-10-25 00:00", "2026-10-25 23:00"),  # the night of 25 hours
    ("2026-03-29 00:30", "2026-03-30 01:30"),  # the night of 23 hours
    ("2026-03-28 02:30", "2026-03-29 03:30"),  # 02:30 does not exist on that night
    ("2026-06-30 23:59", "2026-07-01 23:59"),
]


@pytest.mark.parametrize(("registered", "due"), NIGHTS)
def test_a_deadline_is_kept_in_utc_and_shown_in_local_time(
    client: APIClient, teacher: User, registered: str, due: str
) -> None:
    now = datetime.fromisoformat(registered).replace(tzinfo=STOCKHOLM).astimezone(UTC)
    with mock.patch("batches.actions.registering.database_now", return_value=now):
        batch_id = register(client, 2, configuration={"readiness_seconds": 86_400})["batch_id"]
    assert Timer.objects.get(batch_id=batch_id).due_at - now == timedelta(seconds=86_400)
    told = datetime.fromisoformat(body_of(client.get(f"/v1/batches/{batch_id}"))["deadline"])
    assert told - now == timedelta(seconds=86_400)
    local = datetime.fromisoformat(due)
    with translation.override("en"):
        assert interface.moment(told).endswith(f"{local:%H:%M}")
    browser = Client()
    browser.force_login(teacher)
    with mock.patch("huleedu.templatetags.interface.timezone.localdate", return_value=local.date()):
        page = browser.get(f"/batches/{batch_id}/", headers={"Accept-Language": "en"}).content.decode()
    assert f"Files can be added until today {local:%H:%M}." in page
    assert 'data-time-zone="Europe/Stockholm"' in page


def test_an_hour_that_comes_twice_is_two_hours(client: APIClient, pipeline: Pipeline) -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    shown = [timezone.localtime(each).strftime("%H:%M") for each in (first, second)]
    assert shown == ["02:30", "02:30"]
    with mock.patch("batches.actions.registering.database_now", return_value=first):
        batch = register(client, 2, configuration={"readiness_seconds": 3600})
    kept = Batch.objects.get()
    assert kept.deadline == second
    assert Timer.objects.get(batch_id=batch["batch_id"]).due_at == second


def test_a_timer_rings_when_its_time_has_passed_in_the_database(
    client: APIClient, pipeline: Pipeline
) -> None:
    """A timer rings by the database's time, whatever the clock of the process that looks shows."""
    batch_id = register(client, 2, configuration={"readiness_seconds": 3600})["batch_id"]
    for days in (-2, 2):
        skewed = datetime.now(UTC) + timedelta(days=days)
        with mock.patch("django.utils.timezone.now", return_value=skewed):
            assert pipeline.fire_timers() == 0
    Timer.objects.filter(batch_id=batch_id).update(due_at=database_time())
    assert pipeline.fire_timers() == 1
    assert Batch.objects.get().timed_out_at is not None


def test_a_leap_second_is_the_next_one(client: APIClient, pipeline: Pipeline) -> None:
    batch_id = register(client)["batch_id"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE huleedu_timer SET due_at = '2016-12-31 23:59:60+00'")
    assert Timer.objects.get(batch_id=batch_id).due_at == datetime(2017, 1, 1, tzinfo=UTC)
    assert pipeline.fire_timers() == 1
    now = datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    with mock.patch("batches.actions.registering.database_now", return_value=now):
        later = register(client, 1, configuration={"readiness_seconds": 1})
    assert datetime.fromisoformat(later["deadline"]) == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    [
        "2016-12-31T23:59:60+00:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1970-01-01T00:00:00+00:00",
        "2026-10-25T02:30:00",
        "2026-03-29T02:30:00+01:00[Europe/Stockholm]",
        "infinity",
        "now",
    ],
)
@pytest.mark.parametrize("separator", ["|", " "])
def test_a_cursor_with_a_strange_time_is_never_a_failure_of_ours(
    client: APIClient, teacher: User, time: str, separator: str
) -> None:
    register(client)
    cursor = base64.urlsafe_b64encode(f"{time}{separator}{uuid4()}".encode()).decode().rstrip("=")
    assert client.get(f"/v1/batches?cursor={cursor}").status_code in {200, 400}
    browser = Client()
    browser.force_login(teacher)
    for padding in ("", "=", "=="):
        assert browser.get(f"/?cursor={cursor}{padding}").status_code == 200
