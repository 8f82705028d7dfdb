"""The sandbox against files and children that misbehave; each child is a real process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from files import sandbox
from files.nursery import FILES_EACH, Nursery, NurseryLost
from files.sandbox import SandboxCrashed, SandboxHurried, SandboxResult, run
from files.steps.confinement import Confinement
from files.steps.validate import TextLimits
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.documents import (
    ESSAY,
    SAMPLES,
    failure,
    paragraph,
    part,
    pdf,
    raw_word,
    scanned_pdf,
    spinning_pdf,
    word,
    zipped,
)
from tests.files.documents import run as text_run

ROOT = Path(__file__).resolve().parents[2]
LIMITS = TextLimits()
SMALL = Confinement(memory_bytes=256 * 1024**2, processor_seconds=1)
CONFINED = (
    "import os, sys, time; sys.path.insert(0, {root!r});"
    "from files.steps.confinement import Confinement, hurry, limit, seal;"
    "limit(Confinement(memory_bytes=256 * 1024**2, processor_seconds=1), {parent});"
)

Misbehave = Callable[[str], None]


@pytest.fixture(params=["warm", "afresh"])
def misbehave(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehave]:
    """Puts other code in the child's place, under the child's own limits, however the child is started."""

    def replace(code: str) -> None:
        whole = CONFINED.format(root=str(ROOT), parent="os.getppid()") + code
        afresh = [sys.executable, "-I", "-c", whole]
        act = f"lambda _: exec({whole!r}, {{}})"
        serve = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from files.steps.nursery import main;"
        warm = [sys.executable, "-I", "-c", f"{serve} main(sys.argv[1:], {act})"]
        monkeypatch.setattr(sandbox, "child_command", lambda *_: afresh)
        monkeypatch.setattr(sandbox, "nursery_command", lambda *_: warm)
        if request.param == "afresh":
            monkeypatch.setattr(sandbox, "nursery", no_nursery)

    sandbox.leave_nursery()
    yield replace
    sandbox.leave_nursery()


def no_nursery(_job: sandbox.Job) -> Nursery:
    raise NurseryLost


def fails(
    code: ErrorCode, data: bytes | Path, filename: str = "essay.docx", seconds: float = 20
) -> StepError:
    with pytest.raises(StepError) as error:
        run(data, filename, LIMITS, seconds)
    assert failure(error) is code
    return error.value


def test_bytes_and_stored_files(tmp_path: Path) -> None:
    expected = SandboxResult(
        text=ESSAY, format="txt", engine="huleedu-text 1 (utf-8)", warnings=(), words=15, characters=82
    )
    stored = tmp_path / "raw"
    stored.write_bytes(ESSAY.encode())
    stored.chmod(0o600)
    assert run(ESSAY.encode(), "a.txt", LIMITS) == expected
    assert run(stored, "a.txt", LIMITS) == expected


@pytest.mark.parametrize(
    "data", [word(ESSAY), pdf([[ESSAY]]), ESSAY.encode("mac-roman"), ESSAY.encode("utf-32")]
)
def test_every_format_is_read_when_the_child_has_given_up_its_rights(data: bytes) -> None:
    assert run(data, "essay", LIMITS).text == ESSAY


@pytest.mark.parametrize("name", ["sv.soffice.docx", "sv.soffice.pdf", "sv.pandoc.docx"])
def test_samples(name: str) -> None:
    truth = (SAMPLES / "sv.txt").read_text("utf-8")
    assert run(SAMPLES / name, name, LIMITS).text.split() == truth.split()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.EMPTY_CONTENT),
        (b"\xef\xbb\xbf \n", ErrorCode.EMPTY_CONTENT),
        (b"short", ErrorCode.CONTENT_TOO_SHORT),
        (b"a" * 10_000_000, ErrorCode.CONTENT_TOO_LONG),
        (b"\n" * 5_000_000 + b"a", ErrorCode.CONTENT_TOO_SHORT),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", ErrorCode.UNSUPPORTED_FORMAT),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            ErrorCode.ENCRYPTED_FILE,
        ),
        (word(ESSAY)[:9000], ErrorCode.CORRUPTED_FILE),
        (pdf([[ESSAY]])[:700], ErrorCode.CORRUPTED_FILE),
        (pdf([[ESSAY]], password="x"), ErrorCode.ENCRYPTED_FILE),
        (pdf([["x"]] * 501), ErrorCode.CONTENT_TOO_LONG),
        (scanned_pdf(), ErrorCode.NO_TEXT_LAYER),
    ],
)
def test_outcomes_pass_through(data: bytes, code: ErrorCode) -> None:
    fails(code, data)


def test_details_pass_through() -> None:
    error = fails(ErrorCode.CONTENT_TOO_SHORT, b"short")
    assert error.details == {"characters": 5, "minimum": 50}


def test_zip_bomb_ends_at_once() -> None:
    members = {f"word/media/{number}.xml": bytes(30_000_000) for number in range(10)}
    bomb = zipped({"word/document.xml": part("document", ""), **members})
    started = time.monotonic()
    fails(ErrorCode.ARCHIVE_LIMIT, bomb)
    assert time.monotonic() - started < 5


def test_entity_bomb_ends_at_once() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = zipped({"word/document.xml": f"<!DOCTYPE x [{entities}]><x>&e9;</x>"})
    started = time.monotonic()
    fails(ErrorCode.CORRUPTED_FILE, bomb)
    assert time.monotonic() - started < 5


def test_huge_document_stays_within_the_limits() -> None:
    body = paragraph("".join(text_run("ord ") for _ in range(200_000)))
    for _ in range(500):
        body = f"<w:tbl><w:tr><w:tc>{body}</w:tc></w:tr></w:tbl>"
    fails(ErrorCode.CONTENT_TOO_LONG, raw_word(body))


def test_longest_text_in_its_longest_encoding() -> None:
    text = "\\\U0001f600" * 25_000
    assert run(text.encode(), "a.txt", LIMITS).text == text


def test_endless_loop_ends_by_processor_time(misbehave: Misbehave) -> None:
    misbehave("\nwhile True: pass")
    assert fails(ErrorCode.TIMEOUT, b"x").details == {"limit": "processor"}


def test_marks_that_take_quadratic_time_to_order_end_by_processor_time() -> None:
    with pytest.raises(StepError) as error:
        run(("a" + "\u0301\u0316" * 200_000).encode(), "a.txt", LIMITS, confinement=SMALL)
    assert failure(error) is ErrorCode.TIMEOUT


def test_waiting_forever_ends_by_the_wall_clock(misbehave: Misbehave) -> None:
    misbehave("time.sleep(600)")
    started = time.monotonic()
    assert fails(ErrorCode.TIMEOUT, b"x", seconds=0.5).details == {"limit": "wall_clock", "seconds": 0.5}
    assert time.monotonic() - started < 3


def test_silence_after_the_answer_ends_by_the_wall_clock(misbehave: Misbehave) -> None:
    misbehave("os.close(1); time.sleep(600)")
    assert fails(ErrorCode.TIMEOUT, b"x", seconds=0.5).details["limit"] == "wall_clock"


def test_whole_group_is_killed(misbehave: Misbehave, tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    misbehave(f"\nif not os.fork(): open({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)")
    fails(ErrorCode.TIMEOUT, b"x", seconds=1.5)
    assert _ends(int(mark.read_text()))


def test_memory_hog() -> None:
    with pytest.raises(StepError) as error:
        run(word(ESSAY) + bytes(300 * 1024**2), "a.docx", LIMITS, confinement=SMALL)
    assert failure(error) is ErrorCode.CORRUPTED_FILE
    assert error.value.details == {"limit": "memory"}


def test_crash_of_a_library(misbehave: Misbehave) -> None:
    misbehave("import ctypes; ctypes.string_at(0)")
    assert fails(ErrorCode.CORRUPTED_FILE, b"x").details["signal"] == signal.SIGSEGV


def test_too_much_written_to_disk(misbehave: Misbehave, tmp_path: Path) -> None:
    path = str(tmp_path / "big")
    misbehave(
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL);"
        f"open({path!r}, 'wb').write(bytes(70_000_000))"
    )
    assert fails(ErrorCode.CORRUPTED_FILE, b"x").details["signal"] == signal.SIGXFSZ


def test_flood_of_output_is_refused(misbehave: Misbehave) -> None:
    misbehave("\nwhile True: os.write(1, bytes(65536))")
    assert fails(ErrorCode.EXTRACTION_FAILED, b"x").details == {"limit": "output"}


@pytest.mark.parametrize(
    "output", [b"", b"nonsense", b"{}", b'{"result": {"text": 1}}', b'{"error": {"code": "X"}}']
)
def test_nonsense_is_refused(misbehave: Misbehave, output: bytes) -> None:
    misbehave(f"os.write(1, {output!r})")
    fails(ErrorCode.EXTRACTION_FAILED, b"x")


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "e" * 201},
        {"warnings": ["W"] * 21},
        {"warnings": ["W" * 201]},
        {"words": 2**31},
        {"words": -1},
        {"text": "\ud800"},
        {"words": True},
    ],
)
def test_what_is_too_long_to_keep_is_refused(misbehave: Misbehave, change: dict[str, object]) -> None:
    result = {"text": "fine", "format": "txt", "engine": "e", "warnings": [], "words": 1, "characters": 4}
    misbehave(f"os.write(1, {json.dumps({'result': {**result, **change}}).encode()!r})")
    assert fails(ErrorCode.EXTRACTION_FAILED, b"x").details == {"limit": "outcome"}


@pytest.mark.parametrize(
    "details",
    [
        {str(number): number for number in range(21)},
        {"d" * 201: 1},
        {"reason": "r" * 201},
        {"number": 10**40},
        {"number": float("inf")},
        {"supported": ["s"] * 21},
        {"supported": ["s" * 201]},
        {"supported": [["s"]]},
    ],
)
def test_details_that_are_too_long_to_keep_are_refused(
    misbehave: Misbehave, details: dict[str, object]
) -> None:
    answer = json.dumps({"error": {"code": "CORRUPTED_FILE", "details": details}})
    misbehave(f"os.write(1, {answer.encode()!r})")
    assert fails(ErrorCode.EXTRACTION_FAILED, b"x").details == {"limit": "outcome"}


def test_the_last_whole_line_counts(misbehave: Misbehave) -> None:
    good = {"text": "fine", "format": "txt", "engine": "e", "warnings": [], "words": 1, "characters": 4}
    first, last = (json.dumps({"result": {**good, "words": words}}).encode() for words in (1, 2))
    misbehave(f"os.write(1, {first + bytes([10]) + last!r})")
    assert run(b"x", "a.txt", LIMITS).words == 2


@pytest.mark.parametrize(("text", "stored"), [("fine", True), ("a" * 50_001, False), ("a\x00b", False)])
def test_text_that_breaks_the_promise_is_refused(misbehave: Misbehave, text: str, stored: bool) -> None:
    result = SandboxResult(text=text, format="txt", engine="", warnings=("A", "B"), words=1, characters=1)
    answer = f'{{"result": {result.model_dump_json()}}}'
    misbehave(f"os.write(1, {answer.encode()!r})")
    if stored:
        assert run(b"x", "a.txt", LIMITS) == result
    else:
        fails(ErrorCode.EXTRACTION_FAILED, b"x")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_from_outside_can_be_tried_again(misbehave: Misbehave, number: signal.Signals) -> None:
    misbehave(f"os.kill(os.getpid(), {int(number)})")
    with pytest.raises(SandboxCrashed):
        run(b"x", "a.txt", LIMITS)


def test_a_broken_installation_can_be_tried_again(misbehave: Misbehave) -> None:
    misbehave("import no_such_module")
    with pytest.raises(SandboxCrashed):
        run(b"x", "a.txt", LIMITS)


def test_child_has_no_environment_descriptors_or_processes(
    misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    misbehave(
        "\nif os.getcwd() != '/' or os.listdir('/proc/self/fd') != ['0', '1', '2', '3']: sys.exit(13)\n"
        "seal(os.getppid())\n"
        "try: os.fork(); sys.exit(11)\n"
        "except OSError: pass\n"
        "if 'SECRET_KEY' in os.environ or os.geteuid() == 0: sys.exit(12)\n"
        "os._exit(3)"
    )
    assert fails(ErrorCode.CORRUPTED_FILE, b"x").details == {"limit": "memory"}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("namespaces", [True, False])
def test_child_has_no_network(misbehave: Misbehave, listener: socket.socket, namespaces: bool) -> None:
    """Also where it may not have a network of its own, as in a container or without root."""
    port = listener.getsockname()[1]
    without = "" if namespaces else "import files.steps.confinement as c; c._leave_network = lambda: None\n"
    misbehave(
        f"{without}import socket; seal(os.getppid())\n"
        f"try: socket.socket().connect(('127.0.0.1', {port}))\n"
        "except OSError: os._exit(3)\n"
    )
    assert fails(ErrorCode.CORRUPTED_FILE, b"x").details == {"limit": "memory"}


@pytest.mark.skipif(os.geteuid() != 0, reason="what a process of ours may do is hidden from its own user")
def test_the_network_is_left_once_for_all_children() -> None:
    sandbox.leave_nursery()
    run(b"A pupil wrote a text that is long enough. " * 20, "a.txt", LIMITS)
    warm = sandbox.nursery()
    assert isinstance(warm, Nursery)
    assert Path(f"/proc/{warm.process_id}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


@pytest.mark.parametrize("start", ["warm", "afresh"])
def test_child_dies_with_its_parent(tmp_path: Path, start: str) -> None:
    mark = tmp_path / "child"
    act = f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    whole = CONFINED.format(root=str(ROOT), parent="os.getppid()") + act
    served = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from files.steps.nursery import main;"
        f"main(sys.argv[1:], lambda _: exec({whole!r}, {{}}))"
    )
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from files import nursery, sandbox; from files.steps.validate import TextLimits\n"
        "def none(_): raise nursery.NurseryLost\n"
        f"if {start == 'afresh'}: sandbox.nursery = none\n"
        f"sandbox.child_command = lambda *_: [sys.executable, '-I', '-c', {whole!r}]\n"
        f"sandbox.nursery_command = lambda _: [sys.executable, '-I', '-c', {served!r}]\n"
        "sandbox.run(b'x', 'a.txt', TextLimits(), 600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        assert _wait_for(lambda: mark.exists() and mark.read_text() != "")
    finally:
        parent.kill()
        parent.wait()
    assert _ends(int(mark.read_text()))


def test_a_file_is_read_also_when_the_warm_process_is_killed() -> None:
    run(ESSAY.encode(), "a.txt", LIMITS)
    warm = sandbox.nursery()
    assert isinstance(warm, Nursery)
    os.kill(warm.process_id, signal.SIGKILL)
    assert run(ESSAY.encode(), "a.txt", LIMITS).text == ESSAY
    assert sandbox.nursery() is not warm


def test_a_child_dies_with_its_warm_process(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    code = "import os, time; from files.steps.confinement import die_with; die_with(os.getppid());"
    code += f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    serve = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from files.steps.nursery import main;"
    command = [sys.executable, "-c", f"{serve} main(sys.argv[1:], lambda _: exec({code!r}, {{}}))"]
    warm = Nursery(command)
    with (tmp_path / "file").open("w+b") as file:
        warm.raise_child([], file, file.fileno())
        assert _wait_for(lambda: mark.exists() and mark.read_text() != "")
        warm.close()
    assert _ends(int(mark.read_text()))


def test_files_leave_nothing_behind_for_each_other(misbehave: Misbehave) -> None:
    misbehave("\nif sys.dont_write_bytecode == 7: os._exit(0)\nsys.dont_write_bytecode = 7; os._exit(3)")
    for _ in range(3):
        assert fails(ErrorCode.CORRUPTED_FILE, b"x").details == {"limit": "memory"}


def test_a_warm_process_is_replaced_after_its_share() -> None:
    run(ESSAY.encode(), "a.txt", LIMITS)
    first = sandbox.nursery()
    assert isinstance(first, Nursery)
    first.files = FILES_EACH
    assert sandbox.nursery() is not first
    assert _ends(first.process_id)


def test_daemonic_processes_and_threads_may_call() -> None:
    script = (
        f"import multiprocessing, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from files.sandbox import run; from files.steps.validate import TextLimits\n"
        f"arguments = ({ESSAY.encode()!r}, 'a', TextLimits())\n"
        "process = multiprocessing.Process(target=run, args=arguments, daemon=True)\n"
        "process.start(); process.join(); sys.exit(process.exitcode)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    results: list[SandboxResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(run(ESSAY.encode(), "a", LIMITS))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.text for result in results] == [ESSAY] * 4


def test_command_line_holds_no_name() -> None:
    arguments = sandbox.child_arguments("docx", LIMITS, Confinement())
    assert "docx" in sandbox.child_command(arguments)
    assert run(ESSAY.encode(), "Anna Andersson 9B.txt", LIMITS).text == ESSAY


def test_no_descriptors_are_left_open() -> None:
    run(ESSAY.encode(), "a.txt", LIMITS)
    before = _descriptors()
    run(ESSAY.encode(), "a.txt", LIMITS)
    fails(ErrorCode.EMPTY_CONTENT, b"")
    assert _descriptors() == before


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _ends(process: int) -> bool:
    """Whether a process is gone, or only its entry is left, within three seconds."""

    def gone() -> bool:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    return _wait_for(gone)


def _wait_for(condition: Callable[[], bool]) -> bool:
    for _ in range(300):
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("way", ["warm", "afresh"])
def test_a_first_try_ends_early(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "afresh":
        monkeypatch.setattr(sandbox, "nursery", no_nursery)
    began = os.times()
    with pytest.raises(SandboxHurried):
        run(spinning_pdf(), "essay.pdf", LIMITS, confinement=Confinement(first_seconds=0.2))
    assert os.times().children_user - began.children_user < 3
    assert run(word(ESSAY), "essay.docx", LIMITS, confinement=Confinement(first_seconds=2)).text == ESSAY


def test_what_spins_ends_at_its_limit() -> None:
    with pytest.raises(StepError) as error:
        run(spinning_pdf(), "essay.pdf", LIMITS, confinement=Confinement(processor_seconds=1, niceness=10))
    assert (error.value.code, error.value.details) == (ErrorCode.TIMEOUT, {"limit": "processor"})


def test_the_first_tries_clock_counts_the_reading_alone(misbehave: Misbehave) -> None:
    misbehave("hurry(Confinement(first_seconds=0.1))\nwhile True: pass")
    with pytest.raises(SandboxHurried):
        run(ESSAY.encode(), "essay.txt", LIMITS)


def test_others_go_before_what_is_slow(misbehave: Misbehave) -> None:
    confined = "limit(Confinement(memory_bytes=2**28, processor_seconds=1, niceness=7), os.getppid())"
    misbehave(f"before = os.nice(0); {confined}; os._exit(os.nice(0) - min(19, before + 7))")
    with pytest.raises(StepError) as error:
        run(ESSAY.encode(), "essay.txt", LIMITS)
    assert error.value.details == {"limit": "outcome"}, "it ended well, without a word"
