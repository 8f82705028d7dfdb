"""Prepared tables are read back as they were made; what cannot be trusted is made anew."""

import os
import stat
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from essays.steps import lexicon, nearby
from essays.steps.languages import ENGLISH
from essays.steps.lexicon import Lexicon
from essays.steps.tables import Tables, kept


def tables() -> Tables:
    words = ["och", "väg", "skola"]
    return Tables(nearby.build(words), array("I", [750, 580, 560]), ["k", "vg"])


def never() -> Tables:
    raise AssertionError("made although it is kept")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    kept(tmp_path / "cache", "sv", [1], tables)
    (found,) = (tmp_path / "cache").iterdir()
    return found


def test_what_is_kept_is_read_and_private(file: Path) -> None:
    assert kept(file.parent, "sv", [1], never) == tables()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_other_facts_make_other_tables_and_the_old_ones_go(file: Path) -> None:
    kept(file.parent, "sv", [2], tables)
    kept(file.parent, "en", [2], tables)
    assert not file.exists()
    assert sorted(path.name[:2] for path in file.parent.iterdir()) == ["en", "sv"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
    ],
)
def test_a_damaged_file_is_made_anew(file: Path, damage: Callable[[bytes], bytes]) -> None:
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert kept(file.parent, "sv", [1], tables) == tables()
    assert file.read_bytes() == whole


def test_a_file_that_others_may_write_is_not_read(file: Path) -> None:
    file.chmod(0o620)
    with pytest.raises(AssertionError, match="although"):
        kept(file.parent, "sv", [1], never)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_read(file: Path) -> None:
    os.chown(file, 65534, 65534)
    with pytest.raises(AssertionError, match="although"):
        kept(file.parent, "sv", [1], never)


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kept(tmp_path / "file", "sv", [1], tables) == tables()


def test_a_lexicon_from_kept_tables_answers_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_kept_in", tmp_path)
    made = Lexicon(ENGLISH)
    monkeypatch.setattr(nearby, "build", never)
    read = Lexicon(ENGLISH)
    for word in ("recieve", "thier", "skool", "definately", "x"):
        assert read.near(word) == made.near(word)
        assert read.sounding_like(word) == made.sounding_like(word)
        assert read.frequency(word) == made.frequency(word)
