"""A whole installation at rest: its processor time, by process, and its SQL statements, by sender."""

import re
import time
from collections import Counter
from pathlib import Path

import psycopg
from psycopg import sql

from huleedu.embedded import ADMINISTRATOR, PostgresServer
from huleedu.machine import places
from tests.benchmarks.measure import Figure, note, size
from tests.benchmarks.processes import used
from tests.benchmarks.teacher import installation
from tests.installation import Installation

SETTLE_SECONDS = size(30, 12)
WATCH_SECONDS = size(120, 40)
PROCESSOR_LIMIT = 8.0  # milliseconds a second, of all processes together
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)


def main() -> None:
    """Watch for two minutes while nobody does anything, and count for two more."""
    with installation() as at:
        log = at.var / "logs" / "postgres.log"
        time.sleep(SETTLE_SECONDS)
        tell_processor(at)
        configure(at.var, "log_line_prefix", "BENCH ")
        configure(at.var, "log_statement", "all")
        time.sleep(1)
        start = log.stat().st_size
        time.sleep(WATCH_SECONDS)
        found = statements(log, start)
        configure(at.var, "log_statement", "none")
    for text, count in found.most_common():
        note(f"{count / WATCH_SECONDS:5.2f}/s  {text}")
    rate = sum(found.values()) / WATCH_SECONDS
    Figure("SQL statements at rest", f"{rate:.2f}/s", "", "", "≤ 1/s", rate <= 1).tell()


def tell_processor(at: Installation) -> None:
    """Measure and print processor time at rest; short-lived processes are counted by those that last."""
    before, began = used(at), time.monotonic()
    time.sleep(WATCH_SECONDS)
    after, seconds = used(at), time.monotonic() - began
    total = 0.0
    for pid, use in sorted(after.items(), key=lambda entry: entry[1].name):
        spent = (use.processor - (before[pid].processor if pid in before else 0)) / 1e6 / seconds
        total += spent
        note(f"{spent:6.2f} ms/s  {use.name} {pid}")
    shown = f"{total:.1f} ms/s"
    limit = f"≤ {PROCESSOR_LIMIT:g} ms/s"
    Figure("processor time at rest", shown, "", "", limit, total <= PROCESSOR_LIMIT).tell()


def configure(var: Path, name: str, value: str) -> None:
    """Change one setting of the running server."""
    with psycopg.connect(
        host=str(places.socket_folder(PostgresServer(var).home)),
        user=ADMINISTRATOR,
        password=places.secret(var, "database-administrator"),
        dbname="postgres",
        autocommit=True,
    ) as connection:
        change = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        connection.execute(change)
        connection.execute("SELECT pg_reload_conf()")


def statements(log: Path, start: int) -> Counter[str]:
    """Statements logged after byte ``start``, shortened, with how often each came."""
    text = log.read_bytes()[start:].decode(errors="replace")
    found = (STATEMENT.search(entry) for entry in text.split("BENCH "))
    return Counter(" ".join(match[1].split())[:100] for match in found if match)
