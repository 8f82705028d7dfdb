"""Which database and which Valkey run: told at the start, noted, and shown to the support."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from redis import Redis
from redis.exceptions import ConnectionError as Away

from huleedu.fit import server_versions
from huleedu.fit.server_versions import Ours, note, noted, of_ours
from huleedu.templatetags import servers

EMBEDDED = Ours("postgres", "18.4", embedded=True, words="PostgreSQL 18.4 runs")
INSTALLED = Ours("postgres", "15.18", embedded=False, words="PostgreSQL 15.18 runs")


@pytest.fixture
def var(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    (tmp_path / "run").mkdir()
    return tmp_path


def test_what_a_start_brings_along_is_told_and_noted(var: Path) -> None:
    told: list[str] = []
    note(var, [EMBEDDED], told.append)
    assert told == ["PostgreSQL 18.4 runs"]
    assert noted(var) == {"postgres": EMBEDDED}
    note(var, [], told.append)
    assert noted(var) == {}, "the next start may use others"


@pytest.mark.parametrize("text", ["", "[", "{}", '["postgres"]', json.dumps([{"name": "postgres"}])])
def test_a_note_that_is_not_whole_tells_nothing(var: Path, text: str) -> None:
    (var / "run" / "servers.json").write_text(text)
    assert noted(var) == {}


def test_the_servers_of_ours_have_versions(var: Path) -> None:
    postgres, valkey = of_ours(var, ["postgres", "valkey"])
    assert float(postgres.version) >= 15
    assert f"PostgreSQL {postgres.version} runs" in postgres.words
    assert valkey.version.count(".") == 2
    assert f"Valkey {valkey.version} runs" in valkey.words
    assert of_ours(var, []) == []
    assert server_versions.valkey_version(Path("/bin/true")) == ""


@pytest.mark.parametrize(("running", "trying"), [(EMBEDDED, True), (INSTALLED, False), (None, False)])
def test_the_support_page_shows_what_runs(
    var: Path, desk: Client, running: Ours | None, trying: bool
) -> None:
    note(var, [running] if running else [], lambda _text: None)
    page = desk.get(reverse("admin:index")).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        assert f"PostgreSQL {cursor.fetchone()[0]}" in page
    assert "Valkey " in page
    assert ("it is for trying HuleEdu" in page) is trying


def test_a_valkey_that_is_away_is_said(var: Path, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_words: object) -> None:
        raise Away

    monkeypatch.setattr(Redis, "info", away)
    assert servers.valkey_version() == ""
    assert "does not answer" in desk.get(reverse("admin:index")).content.decode()
