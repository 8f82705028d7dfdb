"""What living processes tell of themselves, as rows of the database."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from huleedu.fit.fingerprint import facts_of
from huleedu.fit.installation import check_key
from huleedu.fit.store_mark import OURS
from huleedu.models import RelayPresence
from huleedu.postgres.database_schema import applied_migrations, describe


def own_facts(**different: Any) -> dict[str, Any]:
    """The facts of a process that fits, but for what is ``different``."""
    return {**facts_of(check_key(), describe(applied_migrations()), OURS), **different}


def alive(role: str, name: str = "", seconds_ago: float = 1.0, **different: Any) -> str:
    """A process that gave a sign of life; returns its name."""
    name = name or f"{role}-elsewhere-7"
    seen_at = timezone.now() - timedelta(seconds=seconds_ago)
    facts = own_facts(**{"host": "elsewhere", "pid": 7, **different})
    RelayPresence.objects.create(name=name, role=role, seen_at=seen_at, facts=facts)
    return name


def alive_all() -> None:
    """One process of each role that an installation cannot do without."""
    for role in ("web", "relay", "steps"):
        alive(role)
