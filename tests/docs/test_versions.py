"""The dated list of PostgreSQL's releases agrees with what is installed and told, and the audit says so."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from huleedu.machine import places, postgres_choice
from huleedu.machine.postgres_choice import Postgres
from tests import audit
from tests.audit import LIST, NOTHING, SOMETHING, UNKNOWN, Known, Release, complaints, read_list

ROOT = LIST.parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
TODAY = date(2026, 6, 1)
KNOWN = Known(
    TODAY, 100, {15: Release(18, TODAY, date(2027, 11, 11)), 18: Release(4, TODAY, date(2030, 11, 14))}
)
HERE = Path("/usr/bin")


def embedded() -> Postgres:
    programs = places.binaries(places.service_account()).postgres
    return Postgres(programs, postgres_choice.version_in(programs) or "", embedded=True)


def test_the_list_is_whole_and_not_of_tomorrow() -> None:
    known = read_list()
    assert min(known.postgresql) == postgres_choice.OLDEST_MAJOR
    assert sorted(known.postgresql) == list(range(min(known.postgresql), max(known.postgresql) + 1))
    assert 0 < known.days <= 130, "PostgreSQL has releases each quarter"
    for release in known.postgresql.values():
        assert release.known <= known.looked < release.ends
    assert known.looked <= date.today() + timedelta(days=1)  # noqa: DTZ011


def test_the_embedded_one_is_in_the_list_and_told_as_it_is() -> None:
    """No newer than the list: else nobody looked. How far behind it is, is told where it is chosen."""
    found, known = embedded(), read_list()
    newest = known.postgresql[found.major]
    assert int(found.version.split(".")[1]) <= newest.minor
    told = f"embedded {found.version}, while {found.major}.{newest.minor} is out"
    assert (told in OPERATIONS) == (found.version != f"{found.major}.{newest.minor}"), told
    assert f"{known.looked}" in OPERATIONS


def test_what_the_distribution_has_is_of_a_major_version_in_the_list() -> None:
    assert {each.major for each in postgres_choice.of_distribution()} <= set(read_list().postgresql)


def test_the_same_oldest_version_everywhere() -> None:
    assert f"one PostgreSQL ({postgres_choice.OLDEST_MAJOR} or later)" in OPERATIONS


def test_nothing_is_said_of_what_is_new() -> None:
    installed = [Postgres(HERE, "15.18"), Postgres(HERE, "18.5", embedded=True)]
    assert list(complaints(KNOWN, installed, TODAY + timedelta(days=100))) == []


@pytest.mark.parametrize(("version", "is_embedded", "words"), [
    ("15.17", False, "PostgreSQL 15.17 is behind 15.18: update it: apt update && apt upgrade."),
    ("18.3", True, "PostgreSQL 18.3 (embedded) is behind 18.4: it is for trying HuleEdu only."),
    ("19.0", False, "PostgreSQL 19.0 is not in the list: add its major version."),
])  # fmt: skip
def test_what_is_behind_is_named(version: str, is_embedded: bool, words: str) -> None:
    assert list(complaints(KNOWN, [Postgres(HERE, version, is_embedded)], TODAY)) == [words]


def test_an_old_list_says_so_and_a_version_that_has_ended() -> None:
    (told,) = complaints(KNOWN, [], TODAY + timedelta(days=101))
    assert "Nobody has looked for new releases of PostgreSQL since 2026-06-01" in told
    ended = replace(KNOWN, looked=date(2027, 11, 12))
    (told,) = complaints(ended, [Postgres(HERE, "15.18")], date(2027, 11, 12))
    assert "gets no more security updates since 2027-11-11" in told


def answer(*weak: str) -> str:
    weaknesses = [{"id": name, "fix_versions": ["2.0"]} for name in weak]
    return json.dumps({"dependencies": [{"name": "example", "version": "1.0", "vulns": weaknesses}]})


SKIPPED = json.dumps({"dependencies": [{"name": "example", "skip_reason": "not found"}]})


@pytest.mark.parametrize(("answers", "told", "code", "words"), [
    ([answer()], [], NOTHING, "Nothing is known to be weak or behind."),
    ([answer("PYSEC-1")], [], SOMETHING, "example 1.0: PYSEC-1, mended in 2.0"),
    ([answer(), answer()], ["behind"], SOMETHING, "behind"),
    ([""], [], UNKNOWN, "nothing is claimed of the packages"),
    (["{}"], [], UNKNOWN, "nothing is claimed of the packages"),
    ([SKIPPED], [], UNKNOWN, "could not look up 1 packages, of which nothing is claimed:\n  example"),
    ([SKIPPED, answer("PYSEC-1")], [], SOMETHING, "example 1.0: PYSEC-1"),
    (["", answer("PYSEC-1")], [], SOMETHING, "nothing is claimed of the packages"),
])  # fmt: skip
def test_the_exit_code_and_the_words(answers: list[str], told: list[str], code: int, words: str) -> None:
    said: list[str] = []
    assert audit.audit(answers, told, said.append) == code
    assert words in "\n".join(said)
    assert ("Nothing is known" in "\n".join(said)) == (code == NOTHING)


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/nowhere/pip-audit"])
def test_an_auditor_that_fails_or_is_not_there_claims_nothing(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDITOR", [program])
    assert audit.understood(audit.ask("requirements.txt")) is None


def test_who_looks_how_often_is_told() -> None:
    security = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "make audit" in security
    assert "deploy/versions.toml" in security
    for code in (NOTHING, SOMETHING, UNKNOWN):
        assert f"ends with {code}" in security or f" {code} " in security
