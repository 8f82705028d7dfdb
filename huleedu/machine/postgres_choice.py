"""Which PostgreSQL runs: one of the distribution, which gets security updates, else the embedded one.

Data is opened by a server of its own major version only: another one could not read it, or would spoil it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from huleedu.machine import places
from huleedu.machine.places import InstallationError
from huleedu.machine.programs import Account

OLDEST_MAJOR = 15
VARIABLE = "HULEEDU_POSTGRES"
EMBEDDED = "embedded"
# Debian and its kin, then the packages of the PostgreSQL project for Red Hat's.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
SEARCHED = "/usr/local/bin:/usr/bin:/bin"
MANUAL = "docs/operations.md, 'Which PostgreSQL', says how."


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL on this machine: its folder of programs, its version, whether it is the embedded one."""

    programs: Path
    version: str
    embedded: bool = False

    @property
    def major(self) -> int:
        """The number that data must have to be opened by it."""
        return int(self.version.split(".")[0])

    def __str__(self) -> str:
        """What the operator is told."""
        if self.embedded:
            return (
                f"PostgreSQL {self.version} runs, the embedded one: it is for trying HuleEdu, and gets "
                "security updates late. For everyday use install the distribution's "
                f"(apt install postgresql): {MANUAL}"
            )
        return f"PostgreSQL {self.version} runs, from {self.programs}."


def choose(home: Path, account: Account | None, *, throwaway: bool = False) -> Postgres:
    """The PostgreSQL for the data in ``home``, or for new data; ``HULEEDU_POSTGRES`` decides.

    Throwaway servers are embedded ones unless that variable says otherwise, so that tests run on the same
    everywhere. Raises InstallationError, with what to do, when none fits.
    """
    kept = kept_major(home)
    found = list(candidates(account, throwaway=throwaway))
    if not found:
        raise InstallationError("There is no PostgreSQL for this machine: install one, or set DATABASE_URL.")
    for each in found:
        if kept in {None, each.major}:
            return each
    there = ", ".join(each.version for each in found)
    raise InstallationError(
        f"The data in {home / str(kept)} is of PostgreSQL {kept}, and no other may open it; this machine has "
        f"{there}. Install PostgreSQL {kept} (apt install postgresql-{kept}), or move the data: {MANUAL}"
    )


def kept_major(home: Path) -> int | None:
    """The major version of the data in ``home``; of several the newest, to which it was moved."""
    try:
        names = [path.name for path in home.iterdir() if path.name.isdigit()]
    except FileNotFoundError:
        return None
    return max(map(int, names), default=None)


def candidates(account: Account | None, *, throwaway: bool = False) -> Iterator[Postgres]:
    """What may run here, the best first. Raises InstallationError for a wrong ``HULEEDU_POSTGRES``."""
    named = os.environ.get(VARIABLE, "")
    if named and named != EMBEDDED:
        version = version_in(Path(named))
        if version is None:
            raise InstallationError(
                f"{VARIABLE} must be '{EMBEDDED}' or a folder with the programs of a PostgreSQL, "
                f"{OLDEST_MAJOR} or later; {named} is neither."
            )
        yield Postgres(Path(named), version)
        return
    if not named and not throwaway:
        yield from of_distribution()
    programs = places.binaries(account).postgres
    yield Postgres(programs, version_in(programs) or "0", embedded=True)


def of_distribution() -> list[Postgres]:
    """Those of the distribution that are new enough, the newest first."""
    folders = [path for pattern in FOLDERS for path in Path("/").glob(pattern.removeprefix("/"))]
    folders += [Path(each) for each in (_told_by_pg_config(), *SEARCHED.split(":")) if each]
    versions = {folder.resolve(): version for folder in folders if (version := version_in(folder))}
    found = [Postgres(folder, version) for folder, version in versions.items()]
    return sorted(found, key=lambda each: [int(part) for part in each.version.split(".")], reverse=True)


def _told_by_pg_config() -> str:
    program = shutil.which("pg_config")
    if program is None:
        return ""
    return subprocess.run(  # noqa: S603
        [program, "--bindir"], check=False, capture_output=True, text=True
    ).stdout.strip()


@lru_cache
def version_in(folder: Path) -> str | None:
    """The version of the PostgreSQL in ``folder``; None without a whole, released and new enough one."""
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    said = subprocess.run(  # noqa: S603
        [str(folder / "postgres"), "--version"], check=False, capture_output=True, text=True
    ).stdout.split()
    version = said[2] if len(said) > 2 else ""
    parts = version.split(".")
    whole = len(parts) == 2 and all(part.isdigit() for part in parts)
    return version if whole and int(parts[0]) >= OLDEST_MAJOR else None
