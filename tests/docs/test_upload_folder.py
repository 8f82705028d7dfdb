"""The example script does what it says, against a real server."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from rest_framework.request import Request

from batches.models import Batch
from files.api import UploadView
from files.models import FileUpload
from huleedu.answers.problems import Problem
from huleedu.models import ApiToken
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.live]
Essays = Callable[[int], bytes]
Script = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = Path(settings.BASE_DIR) / "docs" / "upload_folder.py"
LOADER = SourceFileLoader("upload_folder", str(SCRIPT))
upload_folder: Any = ModuleType("upload_folder")
sys.modules["upload_folder"] = upload_folder
LOADER.exec_module(upload_folder)
PASSWORD = "correct horse battery"
SIZE = 3_600_000
STATE = ".huleedu-upload.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to fill, which holds nothing else."""
    found = tmp_path / "9B"
    found.mkdir()
    return found


@contextmanager
def started(*arguments: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
    """The script at work, with nobody at its terminal; it is ended afterwards."""
    command = [sys.executable, str(SCRIPT), *arguments]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def run_script(live_server: LiveServer, pipeline: Pipeline, teacher: User) -> Script:
    """Run the script to its end while relay and workers do their part here."""

    def run(folder: Path, *more: str, password: str = PASSWORD) -> "subprocess.CompletedProcess[str]":
        words = (live_server.url, teacher.username, str(folder), *more)
        with started(*words, HULEEDU_PASSWORD=password) as process:
            deadline = time.monotonic() + 90
            while process.poll() is None and time.monotonic() < deadline:
                pipeline.run()
                time.sleep(0.05)
            process.kill()
            output, errors = process.communicate()
        return subprocess.CompletedProcess([], process.returncode, output, errors)

    return run


def fill(folder: Path, number: int, make_essay: Essays) -> None:
    """``number`` good essays."""
    for one in range(number):
        (folder / f"Elev å{one:02}.txt").write_bytes(make_essay(one))


def test_a_folder_becomes_results(run_script: Script, make_essay: Essays, folder: Path) -> None:
    fill(folder, 3, make_essay)
    done = run_script(folder)
    assert done.returncode == 0, done.stderr
    assert Batch.objects.get().status == Batch.Status.COMPLETED
    for number in range(3):
        assert f"Elev å{number:02}.txt: completed," in done.stdout
    assert not (folder / STATE).exists()


@pytest.mark.parametrize(
    ("more", "language", "chosen"), [((), "en", False), (("en",), "en", True), (("sv",), "sv", True)]
)
def test_the_language_of_the_class_is_found_unless_it_is_said(
    run_script: Script,
    make_essay: Essays,
    folder: Path,
    more: tuple[str, ...],
    language: str,
    chosen: bool,
) -> None:
    fill(folder, 2, make_essay)
    assert run_script(folder, *more).returncode == 0
    batch = Batch.objects.get()
    assert (batch.language, batch.language_chosen) == (language, chosen)


def test_what_cannot_be_read_is_told(run_script: Script, make_essay: Essays, folder: Path) -> None:
    (folder / "good.txt").write_bytes(make_essay(1))
    (folder / "empty.txt").write_bytes(b"")
    done = run_script(folder)
    assert done.returncode == 1, done.stderr
    assert "good.txt: completed," in done.stdout
    assert "empty.txt: failed, No text found" in done.stdout


def test_a_folder_without_any_essay_comes_to_an_end(run_script: Script, folder: Path) -> None:
    (folder / "empty.txt").write_bytes(b"")
    done = run_script(folder)
    assert done.returncode == 1, done.stderr
    assert "empty.txt: failed, No text found" in done.stdout


def test_wrong_passwords_and_wrong_arguments_leave_nothing_behind(
    run_script: Script, make_essay: Essays, folder: Path
) -> None:
    empty = run_script(folder)
    assert (empty.returncode, "holds no files" in empty.stderr) == (2, True)
    fill(folder, 1, make_essay)
    denied = run_script(folder, password="wrong")
    assert (denied.returncode, "401" in denied.stderr) == (2, True)
    for language in ("no", "SV", ""):
        refused = run_script(folder, language)
        assert (refused.returncode, "must be sv or en" in refused.stderr) == (2, True)
    missing = run_script(folder / "nowhere")
    assert (missing.returncode, "nowhere" in missing.stderr) == (2, True)
    assert not Batch.objects.exists()
    assert not (folder / STATE).exists()


def test_a_refusal_names_the_field_and_leaves_no_batch(
    run_script: Script, make_essay: Essays, folder: Path
) -> None:
    fill(folder, 201, make_essay)
    done = run_script(folder)
    assert done.returncode == 2
    assert "expected_essay_count: " in done.stderr
    assert "less than or equal to 200" in done.stderr
    assert not Batch.objects.exists()


def test_what_is_not_sent_is_named(run_script: Script, make_essay: Essays, folder: Path) -> None:
    fill(folder, 1, make_essay)
    (folder / "Nora").mkdir()
    (folder / ".hidden.txt").write_bytes(make_essay(2))
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    done = run_script(folder)
    assert done.returncode == 1, done.stderr
    for name in ("Nora/: a folder", ".hidden.txt: hidden", "Thumbs.db: hidden", "gone.txt: cannot be read"):
        assert f"Not sent: {name}" in done.stdout
    assert FileUpload.objects.count() == 1


def test_twenty_large_files_are_sent_in_portions(run_script: Script, folder: Path) -> None:
    """One request of 72 MB was refused, and an empty batch stayed."""
    for number in range(20):
        (folder / f"{number}.pdf").write_bytes(b"%PDF-1.4\n" + random.Random(number).randbytes(SIZE))  # noqa: S311
    done = run_script(folder)
    assert done.returncode == 1, done.stderr
    assert FileUpload.objects.count() == 20
    assert "8 of 20 files sent" in done.stdout
    assert done.stdout.count(": failed, ") == 20


@pytest.fixture
def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes less in one request than the script sends."""
    initial = UploadView.initial

    def limited(view: UploadView, request: Request, *arguments: Any, **named: Any) -> None:
        initial(view, request, *arguments, **named)
        if int(request.META["CONTENT_LENGTH"]) > 40_000:
            raise Problem(413, "REQUEST_TOO_LARGE")

    monkeypatch.setattr(UploadView, "initial", limited)


def test_a_server_that_takes_less_gets_less_at_a_time(
    run_script: Script, make_essay: Essays, folder: Path, small_requests: None
) -> None:
    for number in range(4):
        (folder / f"{number}.txt").write_bytes(make_essay(number) + b" more" * 3_000)
    (folder / "big.txt").write_bytes(b"word " * 10_000)
    done = run_script(folder)
    assert done.returncode == 1, done.stderr
    assert "Not taken: big.txt: The upload is too big" in done.stdout
    assert done.stdout.count(": completed, ") == 4


def test_a_folder_of_which_nothing_is_taken_leaves_no_open_batch(
    run_script: Script, folder: Path, small_requests: None
) -> None:
    (folder / "big.txt").write_bytes(b"word " * 10_000)
    done = run_script(folder)
    assert (done.returncode, "big.txt: The upload is too big" in done.stderr) == (2, True)
    assert Batch.objects.get().status == Batch.Status.CANCELLED
    assert not (folder / STATE).exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_stopped_goes_on_in_the_same_batch(
    live_server: LiveServer, run_script: Script, teacher: User, make_essay: Essays, folder: Path, how: int
) -> None:
    fill(folder, 45, make_essay)
    words = (live_server.url, teacher.username, str(folder))
    with started(*words, HULEEDU_PASSWORD=PASSWORD) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "20 of 45 files sent\n"
        process.send_signal(how)
        _, errors = process.communicate(timeout=30)
    if how == signal.SIGINT:
        assert (process.returncode, "Run the same command again" in errors) == (2, True)
    batch_id = json.loads((folder / STATE).read_text())["batch_id"]
    done = run_script(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Going on with batch {batch_id}" in done.stdout
    assert str(Batch.objects.get().pk) == batch_id
    assert FileUpload.objects.count() == 45
    assert done.stdout.count(": completed, ") == 45


def test_stopped_before_the_answer_to_its_registration_no_second_batch_is_made(
    live_server: LiveServer, run_script: Script, teacher: User, make_essay: Essays, folder: Path
) -> None:
    fill(folder, 1, make_essay)
    server = upload_folder.Server(live_server.url, teacher.username, PASSWORD)
    server.sign_in()
    first = upload_folder.Upload(server, folder, upload_folder.look_into(folder), None)
    first.find_batch()
    place = json.loads((folder / STATE).read_text())
    (folder / STATE).write_text(json.dumps({**place, "batch_id": ""}))
    assert run_script(folder).returncode == 0
    assert Batch.objects.count() == 1


def test_a_token_that_ends_meanwhile_is_made_anew(
    live_server: LiveServer, pipeline: Pipeline, teacher: User, make_essay: Essays, folder: Path
) -> None:
    fill(folder, 2, make_essay)
    server = upload_folder.Server(live_server.url, teacher.username, PASSWORD)
    server.sign_in()
    upload = upload_folder.Upload(server, folder, upload_folder.look_into(folder), "en")
    upload.find_batch()
    ApiToken.objects.all().delete()
    upload.carry_out()
    assert FileUpload.objects.count() == 2
    server.password = "wrong"
    ApiToken.objects.all().delete()
    with pytest.raises(upload_folder.Refused, match="401"):
        upload.listed()


def test_files_of_one_request_are_bounded_by_number_and_by_bytes() -> None:
    def essays(*sizes: int) -> list[Any]:
        return [upload_folder.Essay(Path(str(at)), size, "") for at, size in enumerate(sizes)]

    most = upload_folder.BYTES_AT_ONCE
    for sizes, expected in [
        ((1,) * 45, [20, 20, 5]),
        ((most // 2, most // 2, 1), [2, 1]),
        ((most + 1, 1), [1, 1]),
        ((1, most + 1), [1, 1]),
        ((), []),
    ]:
        found = upload_folder.portions(essays(*sizes), upload_folder.FILES_AT_ONCE, most)
        assert [len(some) for some in found] == expected


@pytest.mark.parametrize(
    ("limits", "files", "size"),
    [
        ({}, 20, 32 * 1024 * 1024),  # a server from before it could be asked
        ({"files_per_request": 200, "request_bytes": 64 * 1024 * 1024}, 20, 32 * 1024 * 1024),
        ({"files_per_request": 3, "request_bytes": 1_000_000}, 3, 1_000_000 - 64 * 1024),
        ({"files_per_request": 1, "request_bytes": 10}, 1, 1),
    ],
)
def test_the_script_keeps_to_what_the_server_takes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], files: int, size: int
) -> None:
    server = upload_folder.Server("http://localhost", "u", "p")
    monkeypatch.setattr(server, "limits", lambda: limits)
    upload = upload_folder.Upload(server, folder, upload_folder.look_into(folder), None)
    assert (upload.files_at_once, upload.bytes_at_once) == (files, size)


def test_a_refused_manifest_names_the_file() -> None:
    essays = [upload_folder.Essay(Path(f"{name}.txt"), 1, "") for name in "ab"]
    assert upload_folder.with_names("  manifest.1.size: Too big", essays) == "  b.txt, size: Too big"


def test_a_folder_of_traps(folder: Path) -> None:
    """A pipe would be read for ever, and a name that is no UTF-8 could not be told."""
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    for name in (b"\xe5.txt", b"\xe4.txt", b".\xe5"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"same")
    found = upload_folder.look_into(folder)
    assert [essay.name for essay in found.essays] == ["\ufffd.txt"] * 2
    assert len({essay.ref for essay in found.essays}) == 2
    assert sorted(found.left_out) == [".\ufffd: hidden, or made by the computer", "pipe.txt: no file"]
    assert [line.partition(":")[0] for line in found.unreadable] == ["loop.txt"]


def test_a_name_gives_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    upload_folder.say("\x1b[2J\udce5\u202e å.txt")
    assert capsys.readouterr().out == "?[2J?? å.txt\n"


def test_a_file_that_changes_or_goes_is_named_and_the_others_are_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kept", "changed", "gone", "big"):
        (folder / f"{name}.txt").write_text(name * (9 if name == "big" else 1))
    server = upload_folder.Server("http://localhost", "u", "p")
    sent: list[bytes] = []

    def send(method: str, path: str, body: bytes, *_: object) -> dict[str, Any]:
        sent.append(body)
        return {"files": []}

    monkeypatch.setattr(server, "limits", lambda: {"file_bytes": 20})
    monkeypatch.setattr(server, "send", send)
    upload = upload_folder.Upload(server, folder, upload_folder.look_into(folder), None)
    (folder / "changed.txt").write_text("other")
    (folder / "gone.txt").unlink()
    upload.send([essay for essay in upload.essays if essay.ref not in upload.problems])
    assert [b"kept" in body and b"other" not in body for body in sent] == [True]
    told = sorted(line.partition(":")[0] for line in upload.problems.values())
    assert told == ["big.txt", "changed.txt", "gone.txt"]
    upload.send([essay for essay in upload.essays if essay.name == "gone.txt"])
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", (0, {}, 0.0)),
        (b"HTTP/1.1 503 Away\r\nContent-Length: 99\r\n\r\n{", (0, {}, 0.0)),
        (b"nonsense\r\n\r\n", (0, {}, 0.0)),
        (b"", (0, {}, 0.0)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", (0, {}, 0.0)),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n", (302, {}, 0.0)),
        (
            b"HTTP/1.1 429 Wait\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n",
            (429, {}, 900.0),
        ),
        (b'HTTP/1.1 503 Away\r\nRetry-After: 3\r\nContent-Length: 7\r\n\r\n{"a":1}', (503, {"a": 1}, 3.0)),
    ],
    ids=["cut off", "a problem cut off", "nonsense", "nothing", "a list", "elsewhere", "for ever", "a while"],
)
def test_whatever_a_server_or_a_cut_makes_of_an_answer(
    answer: bytes, expected: tuple[int, dict[str, int], float]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        port = listening.getsockname()[1]
        reply = upload_folder.exchange(urllib.request.Request(f"http://127.0.0.1:{port}/"))
        serving.join()
    assert (reply.status, reply.body, reply.retry_after) == expected


def ended(*arguments: str, **variables: str) -> "tuple[int, str]":
    """How the script ends by itself, and what it complains of."""
    with started("http://127.0.0.1:1", "teacher", *arguments, **variables) as process:
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_the_password_is_no_word_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ((PASSWORD, str(folder)), (PASSWORD, str(folder), "sv")):
        status, errors = ended(*words)
        assert (status, "Leave the password out" in errors, PASSWORD in errors) == (2, True, False)
    status, errors = ended(str(folder))
    assert (status, "HULEEDU_PASSWORD_FILE" in errors) == (2, True)


def test_the_password_comes_from_a_file_or_a_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = folder.parent / "password"
    kept.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("HULEEDU_PASSWORD_FILE", str(kept))
    assert upload_folder.read_password("teacher") == PASSWORD
    monkeypatch.delenv("HULEEDU_PASSWORD_FILE")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(upload_folder, "getpass", lambda prompt: f"{PASSWORD} for {prompt}")
    assert upload_folder.read_password("teacher") == f"{PASSWORD} for Password of teacher: "


def test_each_run_makes_a_token_that_says_what_it_is_for(live_server: LiveServer, teacher: User) -> None:
    upload_folder.Server(live_server.url, teacher.username, PASSWORD).sign_in()
    token = ApiToken.objects.get()
    assert token.name == "upload_folder.py"
    assert round((token.expires_at - token.created_at).total_seconds() / 3600) == 24
