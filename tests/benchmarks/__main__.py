"""``make bench``: measures the figures of docs/performance.md and prints their table.

``python -m tests.benchmarks [--quick] [FIGURE…]``; each figure is a module of this folder and runs in a
process of its own, beside durable servers of its own.
"""

import argparse
import json
import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huleedu.embedded import PostgresServer, ValkeyServer, running
from huleedu.machine import places, programs, stepping_down
from tests import guard
from tests.benchmarks.measure import MARK, Figure

ROOT = Path(__file__).resolve().parents[2]
FIGURES = (
    "relay",
    "latency",
    "idle",
    "memory",
    "enqueue",
    "live",
    "intake",
    "fairness",
    "spinning",
    "nonsense",
    "flood",
    "growth",
    "calls",
    "clusters",
    "exports",
    "evening",
    "pages",
    "cost",
)
ASKED_FOR = ("functions",)  # never among all: it tells no figures, and slows what it looks at
FIGURE_SECONDS = {"cost": 3 * 3600}
USUAL_SECONDS = 1800
SIZES = {"turns": "how often each side is measured", "batches": "at once", "flood": "files of it"}
HEADINGS = ("figure", "HuleEdu", "beside", "ratio", "target", "")


def main() -> int:
    """Measure, print the table; 1 when a target is missed or a figure could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[[], *FIGURES, *ASKED_FOR], help="default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    for sized in SIZES:
        parser.add_argument(f"--{sized}", type=int, metavar="N", help=f"cost: {SIZES[sized]}")
    parser.add_argument(
        "--only", nargs="+", metavar="PART", help="cost: processor, piles, batch, intake, flood"
    )
    chosen = parser.parse_args()
    told = {name: getattr(chosen, name) for name in SIZES} | {"only": " ".join(chosen.only or [])}
    os.environ.update({f"BENCH_{name.upper()}": str(value) for name, value in told.items() if value})
    say(conditions(chosen.quick))
    rows: list[Figure] = []
    for name in chosen.figures or FIGURES:
        rows += measured(name, chosen.quick)
    say(table(rows))
    say(f"Load at the end: {load()}.")
    return 0 if all(row.passed is not False for row in rows) else 1


def measured(name: str, quick: bool) -> list[Figure]:
    """The rows of one figure, measured beside fresh servers."""
    sys.stderr.write(f"{name} (load {load()})\n")
    with durable_servers() as environment:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.one", name],
            cwd=ROOT,
            env={**os.environ, **environment, "BENCH_QUICK": "1" if quick else "0"},
            stdout=subprocess.PIPE,
            text=True,
            timeout=FIGURE_SECONDS.get(name, USUAL_SECONDS),
            check=False,
        )
    lines = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    rows = [Figure(**json.loads(line)) for line in lines]
    if done.returncode:
        rows.append(Figure(name, "could not be measured", passed=False))
    return rows


@contextmanager
def durable_servers() -> Iterator[dict[str, str]]:
    """PostgreSQL as an installation runs it, and Valkey, in a temporary folder with a migrated database."""
    with guard.folder("huleedu-bench-") as var:
        yield from servers_in(var)


def servers_in(var: Path) -> Iterator[dict[str, str]]:
    """The variables of servers in ``var``."""
    account = places.service_account()
    if account:
        os.chown(var, -1, account.gid)
        var.chmod(0o710)
    places.make_state_folder(var, account)
    ending = programs.start_guard(var / "run")
    try:
        with running(PostgresServer(var)) as database, running(ValkeyServer(var)) as redis:
            environment = {"DATABASE_URL": database, "REDIS_URL": redis, "HULEEDU_VAR": str(var)}
            environment |= {"DJANGO_SETTINGS_MODULE": "huleedu.settings", "HULEEDU_LOG_LEVEL": "ERROR"}
            environment["SECRET_KEY"] = secrets.token_urlsafe(48)
            # Commands stay who they are: the folder is not an installation's, and its servers run.
            environment[stepping_down.USER_VARIABLE] = stepping_down.ROOT
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, env={**os.environ, **environment}, check=True)
            yield environment
    finally:
        ending.release()


def conditions(quick: bool) -> str:
    """Where and how the figures are measured."""
    sizes = "quick sizes: for trying out, not for telling" if quick else "full sizes"
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; PostgreSQL 18 with fsync, synchronous_commit and "
        f"full_page_writes on; {sizes}; load {load()}.\n"
    )


def load() -> str:
    """The machine's load averages over 1, 5 and 15 minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def table(rows: list[Figure]) -> str:
    """The rows as a Markdown table."""
    words = {True: "met", False: "**missed**", None: ""}
    cells = [HEADINGS] + [
        (row.name, row.ours, row.beside, row.ratio, row.target, words[row.passed]) for row in rows
    ]
    lines = [f"| {' | '.join(cell)} |" for cell in cells]
    return "\n".join([lines[0], "|---" * len(HEADINGS) + "|", *lines[1:]]) + "\n"


def say(text: str) -> None:
    """Print for the reader."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
