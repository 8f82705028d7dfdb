"""Which living process differs from the installation, in what, and what to do about it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from huleedu.fit.fitting import REFUSED, REFUSED_SECONDS
from huleedu.fit.installation import current
from huleedu.fit.store_mark import OURS, UNSEEN
from huleedu.machine.heartbeat import ACTIVE_SECONDS, LEADING_SECONDS, LISTENING_SECONDS, STANDING_BY_SECONDS
from huleedu.machine.release import release
from huleedu.postgres.database_schema import applied_migrations, describe

# A process counts as living for this long after its last sign, in seconds. One that was refused is named
# until it starts well, or for a day after its last try.
LIVING = {
    "web": 75,
    "relay": LEADING_SECONDS,
    "standby": STANDING_BY_SECONDS,
    "steps": LISTENING_SECONDS,
    "worker": ACTIVE_SECONDS,
    REFUSED: REFUSED_SECONDS,
}
SEEN = """
SELECT name, role, facts, extract(epoch FROM now() - seen_at)::float AS seconds
FROM huleedu_relaypresence
WHERE seen_at > now() - make_interval(secs => (%s::jsonb ->> role)::int)
ORDER BY role, name
"""
RESTART = "restart it"


@dataclass(frozen=True)
class Process:
    """A process that gave a sign of life ``seconds`` ago."""

    name: str
    role: str
    facts: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Difference:
    """``subject`` may be told to everybody, ``text`` says what to do.

    ``harmful``: work or sign-ins are lost by this process; otherwise all goes on meanwhile.
    """

    process: str
    subject: str
    text: str
    harmful: bool = False


def living() -> list[Process]:
    """Every process with a fresh sign of life, and those that were refused and have not started since."""
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [json.dumps(LIVING)])
        return [Process(name, role, json.loads(facts), seconds) for name, role, facts, seconds in cursor]


def find_differences(processes: Iterable[Process]) -> list[Difference]:
    """What does not agree among ``processes`` and with the database; empty when all fits."""
    processes = list(processes)
    told = [each for each in processes if each.facts and each.role != REFUSED]
    return [
        *refused_ones(processes),
        *silent_ones(processes),
        *schema_differences(told),
        *key_differences(told),
        *store_differences(told),
        *setting_differences(told),
    ]


def refused_ones(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes that were not let in; the others are whole without them."""
    for each in processes:
        if each.role == REFUSED:
            yield Difference(each.name, "refused", f"did not start. {each.facts.get('reason', '')}")


def silent_ones(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes of a release that told nothing of itself."""
    for each in processes:
        if not each.facts and each.role != REFUSED:
            yield Difference(each.name, "older release", f"is of an older release: {RESTART} with this one.")


def schema_differences(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes whose code belongs to another state of the database, or is of another release."""
    now = describe(applied_migrations())
    for each in processes:
        schema, version = each.facts.get("schema", ""), each.facts.get("release", "")
        if schema != now:
            older = count_of(schema) <= count_of(now)
            word = "older" if older else "newer"
            do = f"{RESTART} with the release that belongs to it" if older else "run python manage.py migrate"
            text = f"is {word} than the database: {do}."
            yield Difference(each.name, f"code {word} than the database", text, harmful=not older)
        elif version != release():
            text = f"is of release {version}, this one of {release()}: {RESTART} with the newer."
            yield Difference(each.name, "another release", text)


def count_of(schema: str) -> int:
    """How many migrations a state of the database has."""
    return int(schema.partition("-")[0] or 0)


def key_differences(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes that sign with another key than the installation's. A former one is a rotation on its way."""
    row = current()
    for each in processes:
        key = each.facts.get("key")
        if key == row.key:
            continue
        if row.key in each.facts.get("accepts", ()):
            text = f"signs with another SECRET_KEY than the newest, but accepts that: {RESTART} with it."
            yield Difference(each.name, "SECRET_KEY", text)
        elif key == row.former_key:
            text = f"does not know the new SECRET_KEY and drops what is signed with it: {RESTART} with it."
            yield Difference(each.name, "SECRET_KEY", text)
        else:
            text = f"has another SECRET_KEY: give it the installation's and {RESTART}."
            yield Difference(each.name, "SECRET_KEY", text, harmful=True)


def store_differences(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes that do not see the installation's content store."""
    for each in processes:
        store = each.facts.get("store")
        if store == UNSEEN:
            text = "could not read the content store: look at its folder, or its bucket and credentials."
            yield Difference(each.name, "store not seen", text)
        elif store != OURS:
            text = f"has another content store: give it the installation's and {RESTART}."
            yield Difference(each.name, "another store", text, harmful=True)


def setting_differences(processes: Iterable[Process]) -> Iterator[Difference]:
    """Processes whose settings are not those of most, by name."""
    told: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for each in processes:
        for name, value in each.facts.get("settings", {}).items():
            told[name].append((each.name, value))
    for name, values in sorted(told.items()):
        ((usual, _count),) = Counter(value for _process, value in values).most_common(1)
        for process, value in values:
            if value != usual:
                text = f"has {name} {value!r}, others {usual!r}: make them alike and {RESTART}."
                yield Difference(process, name, text)
