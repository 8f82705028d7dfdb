"""A content store that hangs while processes are held against the installation: it keeps nobody for long."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connection

from files.s3 import ObjectStorage
from huleedu.failures.errors import StorageFailed
from huleedu.fit import fitting, store_mark
from huleedu.fit.fitting import LOOKS, fit, look_again
from huleedu.fit.installation import check_key, current
from huleedu.fit.store_mark import NAME, OURS, UNSEEN, claim_store, mark_store
from huleedu.postgres.presence import Identity
from tests.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
RELEASE_SECONDS = 8.0


def release(folder: Path) -> None:
    """Let everybody go on who waits for the mark in ``folder``."""
    while True:
        with suppress(OSError):  # nobody waits
            os.close(os.open(folder / NAME, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.05)
            continue
        return


@pytest.fixture
def hanging(content_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which opening the mark hangs in the kernel, as on a network disk whose server is away."""
    monkeypatch.setattr(store_mark, "MARK_SECONDS", 0.5, raising=False)
    content_folder.mkdir()
    os.mkfifo(content_folder / NAME)
    later = threading.Timer(RELEASE_SECONDS, release, [content_folder])
    later.start()
    yield content_folder
    later.cancel()
    release(content_folder)


@pytest.fixture
def told() -> Iterator[None]:
    """What this process tells of itself is forgotten afterwards."""
    LOOKS.forget()
    yield
    Identity.facts, Identity.find_out = {}, None
    wait_until(lambda: not looking(), 20, "the look ends")
    LOOKS.forget()


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "store"]


def test_a_process_starts_without_it_and_sees_it_later(
    hanging: Path, told: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    fit()
    assert time.monotonic() - began < RELEASE_SECONDS / 2
    assert Identity.facts["store"] == UNSEEN
    (hanging / NAME).rename(hanging / "hangs")
    (hanging / NAME).hardlink_to(hanging / "hangs")  # whoever waits still does when another mark is there
    (hanging / NAME).unlink()
    (hanging / NAME).write_text(f"{current().identity}\n")
    monkeypatch.setattr(fitting, "LOOK_SECONDS", 0.0)
    assert Identity.find_out is look_again

    def seen() -> bool:
        look_again()
        return bool(Identity.facts["store"] == OURS)

    wait_until(seen, 20, "the store is seen")
    (hanging / NAME).unlink()
    (hanging / "hangs").rename(hanging / NAME)


def test_one_look_at_a_time_and_none_keeps_a_connection(told: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, fallen = list[bool](), threading.Event()

    def hang() -> str:
        kept.append(connection.connection is not None)
        assert fallen.wait(20)
        raise StorageFailed

    monkeypatch.setattr(store_mark, "read_mark", hang)
    monkeypatch.setattr(fitting, "LOOK_SECONDS", 0.0)
    for _ in range(5):
        look_again()
    wait_until(lambda: bool(kept), 10, "the store is looked at")
    look_again()
    assert (len(looking()), kept) == (1, [False])
    fallen.set()
    wait_until(lambda: not looking(), 10, "the look ends")
    look_again()
    wait_until(lambda: len(kept) == 2, 10, "the next look begins")


def aside(action: Callable[[], object]) -> threading.Thread:
    """Do ``action`` in a thread with a connection of its own."""

    def act() -> None:
        try:
            action()
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_no_key_is_kept_waiting_while_the_mark_is_written(
    content_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, fallen = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        writing.set()
        assert fallen.wait(20)

    current()
    monkeypatch.setattr("files.storage.write_flushed", hang)
    thread = aside(claim_store)
    assert writing.wait(10)
    threading.Timer(4.0, fallen.set).start()
    began = time.monotonic()
    check_key()
    seconds = time.monotonic() - began
    fallen.set()
    thread.join()
    assert seconds < 2


def test_of_two_who_mark_at_once_one_marks(content_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has another store: the second one must not come to carry the mark, too."""
    monkeypatch.setattr(store_mark, "MARK_SECONDS", 0.2)
    marking, marked = threading.Event(), threading.Event()

    def slow() -> None:
        marking.set()
        assert marked.wait(20)

    monkeypatch.setattr(store_mark, "read_mark", slow)
    thread = aside(mark_store)
    assert marking.wait(10)
    with pytest.raises(StorageFailed):
        mark_store()
    marked.set()
    thread.join()
    assert current().store_marked


def test_a_child_begins_anew() -> None:
    """Of a process that was forked while its parent's look was out and its store's session was being made."""
    storage = ObjectStorage(bucket_name="essays")
    storage._session = storage._bucket = storage._connections.connection = "the parent's"
    with ObjectStorage._making, LOOKS.out:
        child = os.fork()
        if child == 0:
            free = LOOKS.out.acquire(timeout=1) and ObjectStorage._making.acquire(timeout=1)
            left = storage._session or storage._bucket or getattr(storage._connections, "connection", None)
            os._exit(0 if free and left is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage._session == "the parent's"
