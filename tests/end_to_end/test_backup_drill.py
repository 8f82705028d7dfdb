"""The drill: a backup is taken while teachers hand in, and restored in another folder, database and store."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.installation import ROOT, Installation, free_port, wait_until
from tests.object_store import BUCKET, CREDENTIALS, object_store

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]
OLDER = Path("/usr/lib/postgresql/15/bin")
PLACES = 180
COMMAND_SECONDS = 200.0
PAUSE_SECONDS = 0.4


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where backups lie: open to whoever HuleEdu runs as."""
    with tempfile.TemporaryDirectory(prefix="huleedu-drill-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)


def manage(installation: Installation, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A management command, as somebody types it beside what runs."""
    hidden = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HULEEDU_VAR": str(installation.var), **installation.variables, **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )


class HandingIn:
    """A teacher who uploads one file after the other, and remembers when each was acknowledged."""

    def __init__(self, installation: Installation, token: str, batch_id: str) -> None:
        self._installation, self._token, self._batch = installation, token, batch_id
        self.acknowledged: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for number in range(PLACES):
            if self._stop.is_set():
                return
            answer = self._installation.upload_until_answered(
                self._batch, self._token, f"{number}.txt", essay_bytes(number)
            )
            (file,) = answer.body["files"]
            self.acknowledged.append((time.monotonic(), file["file_upload_id"]))
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Hand in no more."""
        self._stop.set()
        self._thread.join(60)


def register(installation: Installation, token: str, count: int) -> str:
    """A new batch."""
    body = {"expected_essay_count": count, "title": "Drill", "language": "en"}
    answer = installation.post("/v1/batches/register", body, token)
    assert answer.status == 201, answer
    return str(answer.body["batch_id"])


def files_of(installation: Installation, token: str, batch_id: str) -> dict[str, str]:
    """The batch's files: id → state."""
    body: Any = installation.get(f"/v1/batches/{batch_id}", token).body
    return {each["file_upload_id"]: each["status"] for each in body["files"]}


def test_the_drill(tmp_path: Path, folder: Path) -> None:
    here = Installation(tmp_path / "here" / "var", free_port(), variables={"HULEEDU_POSTGRES": "embedded"})
    here.var.parent.mkdir()
    key = folder / "key"
    made = manage(here, "make_backup_key", str(key), HULEEDU_USER="root")
    assert made.returncode == 0, made.stderr
    for each in (key, Path(f"{key}.pub")):
        each.chmod(0o644)  # whoever HuleEdu runs as must read them
    try:
        here.start()
        token = here.token()
        batch = register(here, token, PLACES)
        teacher = HandingIn(here, token, batch)
        wait_until(lambda: len(teacher.acknowledged) >= 5, 60, "some files are in")
        began = time.monotonic()
        backup = manage(here, "backup", str(folder), "--key-file", f"{key}.pub")
        assert backup.returncode == 0, backup.stderr
        ended = time.monotonic()
        wait_until(
            lambda: teacher.acknowledged[-1][0] > ended, COMMAND_SECONDS, "teachers go on after the backup"
        )
        teacher.stop()
        assert any(began < at < ended for at, _file in teacher.acknowledged), "and did while it was taken"
        before = {file for at, file in teacher.acknowledged if at < began}
        metrics = here.get("/metrics").body.decode()
        (age,) = [line for line in metrics.splitlines() if line.startswith("backup_age_seconds ")]
        assert 0 < float(age.split()[1]) < 300
    finally:
        here.stop()
    (file,) = [path for path in folder.iterdir() if path.name.startswith("huleedu-")]
    with object_store() as store:
        there = Installation(tmp_path / "there" / "var", free_port(), accounts=here.accounts)
        there.var.parent.mkdir()
        there.variables |= {
            "HULEEDU_POSTGRES": str(OLDER) if OLDER.is_dir() else "embedded",
            "HULEEDU_S3_BUCKET": BUCKET,
            "HULEEDU_S3_ENDPOINT": f"http://127.0.0.1:{store.port}",
            **CREDENTIALS,
        }
        # Whoever it runs as there may not look into the other one's folders.
        restored = manage(there, "restore", str(file), "--key-file", str(key), "--nothing-erased")
        assert restored.returncode == 0, restored.stdout + restored.stderr
        try:
            start_without_accounts(there)
            assert there.get("/v1/batches", token).status == 401, "tokens have ended"
            token = there.token()
            found = files_of(there, token, batch)
            assert before <= found.keys() <= {each for _at, each in teacher.acknowledged}
            assert found.keys() != {each for _at, each in teacher.acknowledged}, (
                "nothing came after the moment"
            )
            wait_until(
                lambda: "processing" not in files_of(there, token, batch).values(),
                120,
                "what was open goes on",
            )
            assert set(files_of(there, token, batch).values()) == {"assigned"}
            more = there.upload(batch, token, "more.txt", essay_bytes(PLACES + 1), str(uuid4()))
            assert more.status == 201, more
            looked = manage(there, "verify_store")
            assert (looked.returncode, " 0 damaged." in looked.stdout) == (0, True), looked
            again = manage(there, "backup", str(folder / "again.tar"), "--verify")
            assert (again.returncode, "restored into a throwaway" in again.stdout) == (0, True), again
        finally:
            there.stop()


def start_without_accounts(installation: Installation) -> None:
    """Start what was restored: its accounts are those of before, and no file tells them."""
    file = installation.var / "first-sign-in.txt"
    lines = [f"{role} {name} {password}\n" for role, (name, password) in installation.accounts.items()]
    file.write_text("".join(lines))
    installation.start()
