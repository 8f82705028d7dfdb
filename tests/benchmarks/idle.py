"""SQL statements per second of a whole installation at rest, counted in PostgreSQL's own log, by sender."""

import re
import time
from collections import Counter
from pathlib import Path

import psycopg
from psycopg import sql

from huleedu import places
from huleedu.embedded import ADMINISTRATOR, PostgresServer
from tests.benchmarks.measure import Figure, note, size
from tests.benchmarks.teacher import installation

SETTLE_SECONDS = size(30, 12)
WATCH_SECONDS = size(120, 40)
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)


def main() -> None:
    """Count for two minutes while nobody does anything."""
    with installation() as at:
        log = at.var / "logs" / "postgres.log"
        time.sleep(SETTLE_SECONDS)
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
