"""Each part with its state and what to do, for support alone, and within two seconds."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone, translation
from redis.exceptions import ConnectionError as RedisAway

from files.store import STORE
from huleedu.failures.errors import StorageFailed
from huleedu.machine.log_files import LogFile
from huleedu.models import RelayPresence
from huleedu.outside import disks
from huleedu.outside.disks import Disk
from huleedu.watching import health, well, well_parts
from huleedu.watching.well_parts import FAILED, LOOK, SILENT, WELL, Part
from tests.processes import own_facts

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ("web", "relay", "standby", "steps")


@pytest.fixture(autouse=True)
def nothing_found_yet() -> Iterator[None]:
    health.STORE_PROBE.forget()
    yield
    STORE.forget()
    connections.close_all()


@pytest.fixture
def processes() -> None:
    for role in ROLES:
        RelayPresence.objects.create(name=f"{role}-here-1", role=role, facts=own_facts())


def page_for(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get("/admin/well/")
    assert answer.status_code == 200
    return answer.content.decode()


def states(parts: list[Part]) -> dict[str, str]:
    return {str(part.name): part.state for part in parts}


def test_every_part_is_told(admin_user: User, processes: None) -> None:
    found = states(well.all_parts())
    for name in ("Web server", "Relay", "Standby relay", "Steps (reading and checking)", "PostgreSQL"):
        assert name in found
    for name in ("Valkey or Redis", "Store of files", "Disk", "Walls around readers", "Migrations"):
        assert name in found
    assert found["Web server"] == found["Relay"] == found["Migrations"] == WELL
    page = page_for(admin_user)
    assert "Is everything well?" in page
    assert "<script" not in page.partition('<div id="content-main">')[2].partition("</table>")[0]


def test_versions_and_since_are_told(processes: None) -> None:
    parts = {str(part.name): part for part in well.all_parts()}
    assert parts["PostgreSQL"].version
    assert parts["PostgreSQL"].since
    assert parts["Web server"].since
    assert parts["Migrations"].since


def test_what_is_missing_says_what_to_do() -> None:
    RelayPresence.objects.create(
        name="relay-there-1", role="relay", seen_at=timezone.now() - timedelta(minutes=5)
    )
    parts = {str(part.name): part for part in well.all_parts()}
    assert parts["Relay"].state == FAILED
    assert parts["Standby relay"].state == LOOK
    assert parts["Relay"].remedy


def test_a_full_disk_and_a_store_that_fails(monkeypatch: pytest.MonkeyPatch, processes: None) -> None:
    monkeypatch.setattr(disks.FINDINGS, "now", lambda: [Disk("content", 1, 10**12)])

    def fails() -> None:
        raise StorageFailed

    monkeypatch.setattr(health, "check_storage", fails)
    found = states(well.all_parts())
    assert found["Disk"] == found["Store of files"] == FAILED


def test_redis_away(monkeypatch: pytest.MonkeyPatch, processes: None) -> None:
    def away() -> None:
        raise RedisAway

    monkeypatch.setattr(well_parts, "redis_client", away)
    assert states(well.all_parts())["Valkey or Redis"] == FAILED


def test_what_hangs_hides_nothing_else(
    monkeypatch: pytest.MonkeyPatch, admin_user: User, processes: None
) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(health, "check_storage", let_go.wait)
    for _ in range(3):  # somebody who looks again takes no thread from other parts
        began = time.monotonic()
        found = states(well.all_parts())
        assert time.monotonic() - began < 2.5
        assert found["Store of files"] == SILENT
        assert found["Relay"] == found["PostgreSQL"].replace(LOOK, WELL) == WELL
    let_go.set()


def test_all_of_it_is_in_the_language_of_who_asks(admin_user: User, processes: None) -> None:
    client = Client()
    client.force_login(admin_user)
    page = client.get("/admin/well/", headers={"Accept-Language": "sv"}).content.decode()
    for words in ("Står allt rätt till?", "Webbserver", "Tillståndsmappen", "är lediga"):
        assert words in page
    assert "are free" not in page


def test_room_and_logs_are_told_in_units_that_people_read() -> None:
    with translation.override("en"):
        disk = well_parts.part_of_disk(Disk("state", 48 * 1024**3, 252 * 1024**3))
        assert disk.note == "State folder: 48 GB of 252 GB are free"
        logs = well_parts.part_of_logs([LogFile("web.log", 300 * 1024, 5.0)])
        assert logs.note == "1 file, 300 KB; the time beside is that of the last line"


@pytest.mark.parametrize("role", ["nobody", "teacher"])
def test_it_is_for_support_alone(role: str, teacher: User, client: Client) -> None:
    if role == "teacher":
        client.force_login(teacher)
    answer = client.get("/admin/well/")
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def test_the_admin_leads_there(admin_user: User) -> None:
    client = Client()
    client.force_login(admin_user)
    assert 'href="/admin/well/"' in client.get("/admin/").content.decode()
