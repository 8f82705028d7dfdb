"""Is anything that HuleEdu installs known to be weak, or behind? ``make audit``.

Two questions: the pinned packages are held against a service of published weaknesses, and PostgreSQL on this
machine against ``deploy/versions.toml``. Ends with 0 when nothing was found, 1 when something was, 3 when the
service gave no answer, or none for some packages: then nothing is claimed of those.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from huleedu.machine import places, postgres_choice  # noqa: E402
from huleedu.machine.postgres_choice import Postgres  # noqa: E402

LIST = ROOT / "deploy" / "versions.toml"
FILES = ("requirements.txt", "requirements-dev.txt")
NOTHING, SOMETHING, UNKNOWN = 0, 1, 3
AUDITOR = [str(Path(sys.prefix) / "audit" / "bin" / "pip-audit")]  # in an environment of its own
OPTIONS = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", "20"]


@dataclass(frozen=True)
class Release:
    """The newest minor version of a major one, by when it was there, and when the last will be."""

    minor: int
    known: date
    ends: date


@dataclass(frozen=True)
class Known:
    """What somebody knew who looked: the day, after how many days to look again, and the releases."""

    looked: date
    days: int
    postgresql: dict[int, Release]


def read_list(path: Path = LIST) -> Known:
    """The dated list. Raises KeyError, TypeError or ValueError for one that is not whole."""
    found = tomllib.loads(path.read_text())
    releases = {int(major): Release(**each) for major, each in found["postgresql"].items()}
    return Known(found["looked"], found["days"], releases)


def complaints(known: Known, installed: Sequence[Postgres], today: date) -> Iterator[str]:
    """What is behind on this machine, and whether the list is too old to say."""
    if today > known.looked + timedelta(days=known.days):
        yield (
            f"Nobody has looked for new releases of PostgreSQL since {known.looked}: look at "
            f"https://www.postgresql.org/support/versioning/ and bring {LIST.relative_to(ROOT)} up to date."
        )
    for each in installed:
        name = f"PostgreSQL {each.version}{' (embedded)' if each.embedded else ''}"
        release = known.postgresql.get(each.major)
        if release is None:
            yield f"{name} is not in the list: add its major version."
            continue
        if today > release.ends:
            yield f"{name} gets no more security updates since {release.ends}: move to a newer major version."
        if int(each.version.split(".")[1]) < release.minor:
            remedy = (
                "it is for trying HuleEdu only" if each.embedded else "update it: apt update && apt upgrade"
            )
            yield f"{name} is behind {each.major}.{release.minor}: {remedy}."


@dataclass(frozen=True)
class Answer:
    """What the service says: a line for each weakness, and the packages that it could not look up."""

    weak: list[str]
    skipped: list[str]


def understood(answer: str) -> Answer | None:
    """The auditor's answer; None when it is none."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    weak = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no release yet'}"
        for package in packages
        for weakness in package.get("vulns", [])
    ]
    return Answer(weak, [package["name"] for package in packages if "skip_reason" in package])


def ask(file: str) -> str:
    """What the auditor says of a file of pinned packages; empty when it cannot say anything."""
    command = [*AUDITOR, "--requirement", file, *OPTIONS]
    try:
        return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def audit(answers: Sequence[str], told: Sequence[str], tell: Callable[[str], None]) -> int:
    """Tell what was found, and of what nothing is claimed; gives the exit code."""
    found = [understood(answer) for answer in answers]
    lines = dict.fromkeys([*told, *(line for each in found if each for line in each.weak)])
    skipped = sorted({name for each in found if each for name in each.skipped})
    for line in lines:
        tell(line)
    if None in found:
        tell("The service of published weaknesses gave no answer: nothing is claimed of the packages.")
    elif skipped:
        tell(f"The service could not look up {len(skipped)} packages, of which nothing is claimed:")
        tell(f"  {', '.join(skipped)}")
    elif not lines:
        tell("Nothing is known to be weak or behind.")
    return SOMETHING if lines else UNKNOWN if None in found or skipped else NOTHING


def main() -> int:
    """Ask both questions; returns the exit code."""
    installed = [*postgres_choice.of_distribution()]
    embedded = places.binaries(None).postgres
    version = postgres_choice.version_in(embedded)
    if version:
        installed.append(Postgres(embedded, version, embedded=True))
    told = list(complaints(read_list(), installed, date.today()))  # noqa: DTZ011 - a day is near enough
    return audit([ask(file) for file in FILES], told, print)


if __name__ == "__main__":
    sys.exit(main())
