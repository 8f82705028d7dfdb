"""Are database and static files as this code wants them? A note of the last start tells, without Django.

To migrate, which mostly finds nothing to do, takes more of the processor than anything else at a start. The
note holds for the very files of this checkout, for the static files that were collected from them, and for
the very list of migrations in the database.
"""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path

import psycopg

from huleedu.machine.heartbeat import Asking
from huleedu.machine.programs import BASE_DIR

NOTE = "migrated.json"
FITTING = "static.sha256"  # in the state folder: the stamp of static files that the last start found to fit
STAMP = "made-from.sha256"  # beside the collected static files, written last
MANIFEST = "staticfiles.json"
PACKAGES = ("huleedu", "batches", "files", "essays", "results", "realtime")
APPLIED = """
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT oid::text FROM pg_database WHERE datname = current_database()),
       (SELECT md5(string_agg(app || '.' || name, ' ' ORDER BY app, name)) FROM django_migrations),
       (SELECT (EXISTS (SELECT FROM auth_user))::text)
"""


def code() -> str:
    """What tells this checkout from any other: its files, what is installed beside it, and its Python."""
    marks = [sys.version, sys.prefix]
    files = [path for package in PACKAGES for path in files_of(BASE_DIR / package)]
    # The folder of installed packages changes with each that comes, goes or is replaced.
    for path in (*files, BASE_DIR / "requirements.txt", Path(psycopg.__file__).parent.parent):
        found = path.stat()
        marks.append(f"{path} {found.st_size} {found.st_mtime_ns}")
    return sha256("\n".join(marks).encode()).hexdigest()


def files_of(package: Path) -> list[Path]:
    """A package's modules and static files."""
    return [*sorted(package.rglob("*.py")), *sorted(filter(Path.is_file, (package / "static").rglob("*")))]


def collected(var: Path) -> str | None:
    """Which static files are collected; None when they are not all there, or never were found to fit."""
    folder = Path(os.environ.get("HULEEDU_STATIC", var / "static"))
    try:
        stamp = (folder / STAMP).read_text()
        fits = (folder / MANIFEST).exists() and (var / FITTING).read_text() == stamp
    except OSError:
        return None
    return stamp if fits else None


def state(var: Path, asking: Asking) -> list[str] | None:
    """What code, static files and database are; None when one of them is not whole, or nobody is in it."""
    rows, static = asking.ask(APPLIED), collected(var)
    if static is None or not rows or None in rows[0] or rows[0][-1] != "true":
        return None
    return [code(), static, *map(str, rows[0])]


def is_code_noted(var: Path) -> bool:
    """True when the last start was of this code: its tables fit, unless the database is another meanwhile."""
    noted = last_note(var)
    return noted is not None and noted[:2] == [code(), collected(var)]


def last_note(var: Path) -> list[str] | None:
    """What the last start noted, if anything."""
    try:
        found = json.loads((var / NOTE).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) else None


def is_noted(var: Path, asking: Asking) -> bool:
    """True when the last start brought this very database and the static files up to date for this code."""
    noted = last_note(var)
    return noted is not None and noted == state(var, asking)


def note(var: Path, asking: Asking) -> None:
    """Remember that database and static files are up to date, if they are."""
    partial = (var / NOTE).with_suffix(".partial")
    partial.write_text(json.dumps(state(var, asking)))
    partial.replace(var / NOTE)
