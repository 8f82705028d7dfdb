"""Every check and then the tests, in one go; ends with the line pytest ends with.

A few tests that failed beside others are tried once more, alone, and that decides: many of them say within
how many seconds something happens, which three at once on two busy cores cannot promise. They are named
either way.
``--checks`` leaves the tests out. ``--branches`` runs those that mirror modules and counts the branches they
take, of which ``pyproject.toml`` says how many there must be; counting makes a process slower, and tests of
whole installations say within how many seconds something happens. Any other arguments are pytest's, and
nothing else is run.
Servers come from ``DATABASE_URL`` and ``REDIS_URL`` (see ``make test``).
"""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
PRODUCTION = {
    "HULEEDU_PROCESS": "web",
    "HULEEDU_HTTPS": "1",
    "HULEEDU_ALLOWED_HOSTS": "huleedu.example",
    "SECRET_KEY": secrets.token_urlsafe(64),
}
TEMPLATES = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "templates").rglob("*.html"))]
CHECKS: list[tuple[list[str], dict[str, str]]] = [
    ([str(BIN / "ruff"), "check", "--quiet", "."], {}),
    ([str(BIN / "ruff"), "format", "--check", "--quiet", "."], {}),
    ([str(BIN / "djade"), "--check", "--target-version", "5.2", *TEMPLATES], {}),
    ([str(BIN / "mypy"), "--no-error-summary", "."], {}),
    ([str(BIN / "lint-imports"), "--no-logo"], {}),
    ([*MANAGE, "makemigrations", "--check", "--dry-run"], {}),
    ([*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
]
# With more, installations on two cores start too slowly for those who wait for them.
WORKERS = "3"
# Tests start processes, which would else compile all code anew: a third of what a start takes.
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
NOTED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST_ALONE = 25  # more than the machine's doing
TESTS = [sys.executable, "-m", "pytest", "-n", WORKERS, "--durations", "30"]
ROOMS = [f"tests/{room}" for room in ("batches", "essays", "files", "huleedu", "realtime", "results")]
BRANCHES = [sys.executable, "-m", "pytest", "-n", WORKERS, "--cov", "--cov-report", "term", *ROOMS]


def title(command: list[str]) -> str:
    """The command as one would type it, without a long list of files."""
    words = [Path(word).name if word.startswith("/") else word for word in command if word not in TEMPLATES]
    return " ".join(words)


def passes(command: list[str], variables: dict[str, str]) -> bool:
    """Run one check, show its output only when it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    word = "FAILED" if done.returncode else "ok"
    sys.stdout.write(f"{word:7}{title(command)} ({time.monotonic() - began:.1f} s)\n")
    if done.returncode:
        sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return not done.returncode


def tests(command: list[str]) -> int:
    """Run pytest; returns its exit code."""
    return subprocess.run(command, check=False, cwd=ROOT, env=os.environ | COMPILED).returncode


def failed_tests() -> list[str]:
    """Those of the last run, as pytest has noted them."""
    return sorted(json.loads(NOTED.read_text())) if NOTED.exists() else []


def every_test() -> int:
    """Run all tests, and those that failed once more, alone; returns pytest's exit code."""
    NOTED.unlink(missing_ok=True)  # tests that had another name when they failed stand there for ever
    code = tests(TESTS)
    found = failed_tests()
    if code != pytest.ExitCode.TESTS_FAILED or not 0 < len(found) <= MOST_ALONE:
        return code
    sys.stdout.write("\n".join(["", "These failed beside others. Alone:", *found, ""]))
    sys.stdout.flush()
    return tests([sys.executable, "-m", "pytest", *found])


def main() -> int:
    """Returns 0 when everything passed."""
    chosen = sys.argv[1:]
    if chosen == ["--branches"]:
        return tests(BRANCHES)
    if chosen and chosen != ["--checks"]:
        return tests([sys.executable, "-m", "pytest", *chosen])
    failed = [command for command, variables in CHECKS if not passes(command, variables)]
    if failed:
        sys.stdout.write(f"{len(failed)} of {len(CHECKS)} checks failed.\n")
        sys.stdout.flush()
    ended = 0 if chosen else every_test()
    return 1 if failed else ended


if __name__ == "__main__":
    sys.exit(main())
