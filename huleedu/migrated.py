"""Is the database as this code wants it? Answered from a note of the last start, without loading Django.

To migrate, which mostly finds nothing to do, takes more of the processor than anything else at a start. The
note holds for the very files of this checkout and for the very list of migrations in the database.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

import psycopg

from huleedu.heartbeat import Asking
from huleedu.programs import BASE_DIR

NOTE = "migrated.json"
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
    files = [path for package in PACKAGES for path in sorted((BASE_DIR / package).rglob("*.py"))]
    # The folder of installed packages changes with each that comes, goes or is replaced.
    for path in (*files, BASE_DIR / "requirements.txt", Path(psycopg.__file__).parent.parent):
        found = path.stat()
        marks.append(f"{path} {found.st_size} {found.st_mtime_ns}")
    return sha256("\n".join(marks).encode()).hexdigest()


def state(asking: Asking) -> list[str] | None:
    """What this code and this database are; None when the database cannot tell, or has nobody in it."""
    rows = asking.ask(APPLIED)
    if not rows or None in rows[0] or rows[0][-1] != "true":
        return None
    return [code(), *map(str, rows[0])]


def is_noted(var: Path, asking: Asking) -> bool:
    """True when the last start brought this very database up to date for this very code."""
    try:
        noted = json.loads((var / NOTE).read_text())
    except (OSError, ValueError):
        return False
    return noted is not None and noted == state(asking)


def note(var: Path, asking: Asking) -> None:
    """Remember that the database is up to date."""
    partial = (var / NOTE).with_suffix(".partial")
    partial.write_text(json.dumps(state(asking)))
    partial.replace(var / NOTE)
