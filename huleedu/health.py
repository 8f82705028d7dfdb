"""Is this installation able to work? One check per thing that can be missing."""

from collections.abc import Callable
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from huleedu.agreement import find_differences, living
from huleedu.heartbeat import SIGNS, Signs
from realtime.push import redis_client

OK, DEGRADED, FAILED = "ok", "degraded", "failed"
RELAY_SECONDS = 15
PROBE_FOLDER = "probe"


class Unwell(Exception):
    """A check that ran and did not find what it should."""


def check_database() -> None:
    """The database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_broker() -> None:
    """The table of tasks can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM django_q_ormq)")


def check_storage() -> None:
    """The content store takes a file. Raises OSError, or whatever another backend raises."""
    name = default_storage.save(f"{PROBE_FOLDER}/{uuid4().hex}", ContentFile(b"probe"))
    default_storage.delete(name)


def check_redis() -> None:
    """Live messages can be published; without it pages follow more slowly."""
    redis_client().ping()


def check_relay() -> None:
    """A relay was seen lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM huleedu_relaypresence"
            " WHERE role = 'relay' AND seen_at > now() - make_interval(secs => %s))",
            [RELAY_SECONDS],
        )
        if not cursor.fetchone()[0]:
            raise Unwell


def check_steps() -> None:
    """A step worker was seen lately."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNS)
        if not Signs(*cursor.fetchone()).alive:
            raise Unwell


def check_processes() -> None:
    """No living process harms the others: each has the installation's key, store and tables."""
    if any(each.harmful for each in find_differences(living())):
        raise Unwell


def check_agreement() -> None:
    """All processes are of one release and have the same settings, and none was refused lately."""
    if find_differences(living()):
        raise Unwell


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "broker": check_broker,
    "storage": check_storage,
    "redis": check_redis,
    "relay": check_relay,
    "steps": check_steps,
    "processes": check_processes,
    "agreement": check_agreement,
}
OPTIONAL = frozenset({"redis", "agreement"})


def run_checks() -> dict[str, str]:
    """The state of each thing: ok, degraded (HuleEdu works without it), or failed."""
    return {name: run_check(name, check) for name, check in CHECKS.items()}


def run_check(name: str, check: Callable[[], None]) -> str:
    """One thing's state; any failure of the check is a failure of the thing."""
    try:
        check()
    except Exception:
        return DEGRADED if name in OPTIONAL else FAILED
    return OK
