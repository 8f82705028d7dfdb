"""Escapes from a reader that a file has taken over: each is tried in a really sealed child of a worker.

``escapes.py`` has them. As root, as an ordinary user, and where no namespaces are permitted.
"""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from files.steps import landlock
from files.steps.confinement import Wall
from tests.files import escapes
from tests.files.documents import ESSAY, SAMPLES, pdf, raw_word, scanned_pdf, word
from tests.files.sealed import told_by
from tests.installation import ROOT

AS_ROOT = os.geteuid() == 0
ORDINARY = 12345 if AS_ROOT else os.geteuid()
USERS = ["root", "ordinary"] if AS_ROOT else ["ordinary"]
CALLS, PATHS = "without=give_up_calls", "without=give_up_paths"
BOTH = f"{CALLS},give_up_paths"
FAMILY = {"trace the parent", "read the parent's memory", "take a file from the parent"}
# What this kernel may not have at all, so that nobody is let in.
SELDOM = {"load a program into the kernel", "handle page faults", "ask by a ring", "measure others",
          "use keys of the kernel", "compare itself with the parent", "share memory",
          "make memory that hides from the kernel", "ask as a program of another kind"}  # fmt: skip
# What Landlock knows nothing of, nor of paths that are looked at or changed in their attributes alone.
BEYOND_LANDLOCK = {
    "look at a file", "look where it is", "change whose a file is", "signal everybody",
    "read the parent's limits", "slow the parent down", "compare itself with the parent",
    "use keys of the kernel", "share memory", "make memory with code", "make memory executable",
    "have its own user namespace", "write larger files", "have a signal sent to others", "open more files",
    "be looked into again", "outlive the parent", "have all memory executable", "give its memory away",
    "have the kernel copy", "run before all others", "go before the parent at the disk",
}  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach, too."""
    found = Path(tempfile.mkdtemp(prefix="huleedu-walls-"))
    try:
        yield found
    finally:
        shutil.rmtree(found)


def attempt(folder: Path, user: str, *words: str) -> tuple[set[str], dict[str, int | None]]:
    """The walls that the children lacked, and how each try ended."""
    os.chown(folder, *([-1, -1] if user == "root" else [ORDINARY, -1]))
    folder.chmod(0o700)
    told = told_by("tests.files.escapes", str(folder), *words, *who(user))
    return set(told["missing"]), told["tries"]


def every_call(folder: Path) -> tuple[set[str], list[int]]:
    """The walls that a child lacked, and how each call ended that is not allowed."""
    told = told_by("tests.files.every_call", str(folder))
    return set(told["missing"]), told["answers"]


def who(user: str) -> list[str]:
    """The word of a situation that says who starts readers."""
    return [f"user={ORDINARY}"] if AS_ROOT and user != "root" else []


def through(tries: dict[str, int | None]) -> set[str]:
    """The tries that were not refused."""
    return {name for name, number in tries.items() if number is None}


def named(tries: dict[str, int | None]) -> dict[str, str]:
    """How each try ended, for people."""
    return {name: errno.errorcode[number] if number else "through" for name, number in tries.items()}


def given(*more: Wall) -> set[Wall]:
    """What this kernel does not give, and ``more``."""
    return {*more, *([] if landlock.version() else [Wall.PATHS])}


@pytest.mark.skipif(not AS_ROOT, reason="some of it is refused to others anyway")
def test_without_walls_every_try_gets_through(folder: Path) -> None:
    """Or none of the others would show anything."""
    _, tries = attempt(folder, "root", "open")
    assert len(tries) > 20
    refused = tries.keys() - through(tries)
    assert refused <= SELDOM, named(tries)
    assert {tries[name] for name in refused} <= {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}, named(tries)


@pytest.mark.parametrize("namespaces", ["on", "off"])
@pytest.mark.parametrize("user", USERS)
def test_nothing_gets_through(folder: Path, user: str, namespaces: str) -> None:
    missing, tries = attempt(folder, user, f"namespaces={namespaces}")
    assert named(tries) == dict.fromkeys(escapes.TRIES, "EPERM")
    assert missing <= given(Wall.NETWORK)
    assert namespaces == "on" or Wall.NETWORK in missing


def test_every_call_that_reading_does_not_need_is_refused(folder: Path) -> None:
    """Whatever it is called, and those that newer kernels will have."""
    missing, answers = every_call(folder)
    assert Wall.CALLS not in missing
    assert set(answers) == {errno.EPERM}


@pytest.mark.parametrize("user", USERS)
def test_without_landlock_nothing_gets_through_and_that_is_said(folder: Path, user: str) -> None:
    missing, tries = attempt(folder, user, PATHS, "namespaces=off")
    assert named(tries) == dict.fromkeys(escapes.TRIES, "EPERM")
    assert missing == {Wall.PATHS, Wall.NETWORK}


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel has no such Landlock")
@pytest.mark.parametrize("namespaces", ["on", "off"])
@pytest.mark.parametrize("user", USERS)
def test_without_the_filter_no_file_no_network_and_no_process_is_reached(
    folder: Path, user: str, namespaces: str
) -> None:
    missing, tries = attempt(folder, user, CALLS, f"namespaces={namespaces}")
    assert through(tries) <= BEYOND_LANDLOCK, named(tries)
    assert not through(tries) & FAMILY
    assert Wall.CALLS in missing


@pytest.mark.parametrize("user", USERS)
def test_with_neither_nothing_is_opened_still_and_that_is_said(folder: Path, user: str) -> None:
    """No descriptor can be had any more: no file, no socket, no handle."""
    missing, tries = attempt(folder, user, BOTH, "namespaces=off")
    kinds = ("read ", "write ", "reach ", "list", "send a", "make a pair", "watch", "take ", "ask by")
    opening = {name for name in tries if name.startswith(kinds)} - {
        "read the parent's limits",
        "write larger files",
    }
    assert not through(tries) & opening, named(tries)
    assert missing == {Wall.CALLS, Wall.PATHS, Wall.NETWORK}


@pytest.mark.skipif(not AS_ROOT, reason="it is about root")
def test_root_with_few_rights_is_left_before_a_namespace_could_hide_it(folder: Path) -> None:
    """As in a container: in a namespace of its own users it would be root's, under another name."""
    _, open_tries = attempt(folder, "root", "open")
    folder = folder / "again"
    folder.mkdir()
    missing, tries = attempt(folder, "root", BOTH, "rights=few")
    files = {"change whose a file is", "remove a file", "make a folder", "look at a file"}
    assert files <= through(open_tries)
    assert not through(tries) & files, named(tries)
    assert Wall.RIGHTS not in missing


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every kind: all samples, and made ones, good and bad."""
    folder = tmp_path_factory.mktemp("files")
    for path in SAMPLES.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    made = {
        "word.docx": word(ESSAY),
        "raw.docx": raw_word("<w:p><w:r><w:t>x"),
        "one.pdf": pdf([[ESSAY]]),
        "cut.pdf": pdf([[ESSAY]])[:700],
        "owned.pdf": pdf([[ESSAY]], password="", owner_password="x"),
        "picture.pdf": scanned_pdf(),
        "nothing.txt": b"",
        "large.txt": ESSAY.encode() * 100_000,
    }
    for encoding in ("utf-8", "utf-16", "utf-32", "cp1252", "mac-roman", "cp850", "utf-8-sig", "utf-16-be"):
        made[f"{encoding}.txt"] = ESSAY.encode(encoding)
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("namespaces", ["on", "off"])
@pytest.mark.parametrize("user", USERS)
def test_every_file_is_read_in_a_sealed_child_as_without(files: Path, user: str, namespaces: str) -> None:
    """Fonts, catalogues and modules that lie in files are out of reach, and nothing misses them."""
    expected = told_by("tests.files.sealed_reading", str(files), "open")
    found = told_by("tests.files.sealed_reading", str(files), f"namespaces={namespaces}", *who(user))
    assert len(found) > 30
    assert found == expected
    assert {name: loaded for name, (_, loaded) in found.items() if loaded} == {}


@pytest.mark.skipif(not AS_ROOT, reason="only root becomes another user")
def test_leaving_the_network_first_gives_an_ordinary_user_no_right() -> None:
    program = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from files.steps import confinement\n"
        f"os.setgroups([]); os.setresgid(*[{ORDINARY}] * 3); os.setresuid(*[{ORDINARY}] * 3)\n"
        "confinement.leave_network_first(os.getppid())\n"
        "rights = [int(line.split()[1], 16) for line in open('/proc/self/status') if line[:3] == 'Cap']\n"
        "print(confinement._network_is_left, rights)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip().endswith(" [0, 0, 0, 0, 0]"), done.stdout
