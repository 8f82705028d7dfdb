"""The content store's mark: same path and other disk, or another installation's store, are noticed."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from huleedu.failures.errors import Unfit
from huleedu.fit.installation import current
from huleedu.fit.store_mark import NAME, OURS, UNSEEN, check_store, claim_store, mark_store
from huleedu.relay.maintenance import tidy

pytestmark = pytest.mark.django_db


def test_the_first_store_is_marked_once(content_folder: Path) -> None:
    assert check_store() == OURS
    assert not (content_folder / NAME).exists(), "looking marks nothing"
    assert claim_store() == OURS
    assert (content_folder / NAME).read_text().strip() == str(current().identity)
    written = (content_folder / NAME).stat().st_mtime_ns
    assert claim_store() == OURS
    assert (content_folder / NAME).stat().st_mtime_ns == written


def test_an_empty_folder_of_the_same_path_is_another_disk(content_folder: Path) -> None:
    claim_store()
    (content_folder / NAME).unlink()
    for look in (check_store, claim_store):
        with pytest.raises(Unfit, match=r"its mark 'installation' is missing.*HULEEDU_STORAGE"):
            look()
    assert not (content_folder / NAME).exists()


def test_the_store_of_another_installation_is_refused(content_folder: Path) -> None:
    content_folder.mkdir()
    (content_folder / NAME).write_text(f"{uuid4()}\n")
    for look in (check_store, claim_store):
        with pytest.raises(Unfit, match="belongs to another installation"):
            look()


def test_a_mark_without_a_record_is_recognised(content_folder: Path) -> None:
    """As after a crash between the two."""
    content_folder.mkdir()
    (content_folder / NAME).write_text(f"{current().identity}\n")
    assert claim_store() == OURS
    assert current().store_marked


def test_a_store_that_does_not_answer_is_not_judged(content_folder: Path) -> None:
    content_folder.write_text("a file where the folder should be")
    assert check_store() == UNSEEN
    assert claim_store() == UNSEEN
    assert not current().store_marked


def test_a_store_that_takes_nothing_is_not_recorded(
    content_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("files.storage.write_flushed", full)
    assert claim_store() == UNSEEN
    assert not current().store_marked


def test_moved_content_is_adopted(content_folder: Path) -> None:
    claim_store()
    (content_folder / NAME).write_text(f"{uuid4()}\n")
    mark_store(adopt=True)
    assert check_store() == OURS


def test_another_installations_bytes_are_no_orphans(content_folder: Path) -> None:
    """A copy for trying things out, with the real store's address: its relay must delete nothing there."""
    foreign = content_folder / "raw" / "ab" / uuid4().hex
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody's essay")
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(foreign, (long_ago, long_ago))
    (content_folder / NAME).write_text(f"{uuid4()}\n")
    tidied = tidy()
    assert tidied is not None
    assert tidied.orphans == 0
    assert foreign.exists()
