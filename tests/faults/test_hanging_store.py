"""F21, F23, F24 with real processes: an S3 store or a disk hangs under an installation, and comes back."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.checker import Checker
from tests.faults.proxy import Proxy, proxy
from tests.faults.teacher import DONE, register, status_of, upload_many, wait_completed
from tests.faults.tracing import traced
from tests.faults.world import World, children
from tests.installation import Answer, bearer, free_port, send, wait_until
from tests.object_store import BUCKET, CREDENTIALS, ObjectStore, object_store

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
WITHIN, READY_WITHIN, AT_ONCE = 5.0, 2.0, 1.5


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture(scope="module")
def line(server: ObjectStore) -> Iterator[Proxy]:
    with proxy(("127.0.0.1", server.port)) as found:
        yield found


@pytest.fixture(scope="module")
def far(line: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose content is in the S3 store at the end of ``line``."""
    installation = Reached(tmp_path_factory.mktemp("far") / "var", free_port())
    endpoint = f"http://127.0.0.1:{line.port}"
    installation.variables = {"HULEEDU_S3_BUCKET": BUCKET, "HULEEDU_S3_ENDPOINT": endpoint, **CREDENTIALS}
    try:
        installation.start()
        yield World(installation)
    finally:
        line.heal()
        installation.stop()


def timed_upload(world: World, token: str, batch_id: str, number: int, key: str) -> tuple[Answer, float]:
    """One request, not repeated, and how many seconds its answer took."""
    began = time.monotonic()
    answer = world.installation.upload(batch_id, token, f"{number}.txt", essay_bytes(number), key)
    return answer, time.monotonic() - began


def timed_get(world: World, path: str, token: str | None = None) -> tuple[Answer, float]:
    began = time.monotonic()
    request = urllib.request.Request(f"{world.installation.url}{path}", headers=bearer(token))
    return send(request), time.monotonic() - began


def is_refused(answer: Answer) -> bool:
    """A problem answer that says when to come back."""
    assert answer.status == 503, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.body["code"] == "STORAGE_FAILED" and int(answer.headers["Retry-After"]) > 0


def insist(world: World, token: str, batch_id: str, number: int, key: str) -> Answer:
    """The same request until it is taken."""
    answers: list[Answer] = []

    def sent() -> bool:
        answers.append(timed_upload(world, token, batch_id, number, key)[0])
        return answers[-1].status == 201

    wait_until(sent, 30, "the request is taken")
    return answers[-1]


def files_of(world: World, batch_id: str) -> int:
    return world.count("SELECT count(*) FROM files_fileupload WHERE batch_id = %s", batch_id)


def assert_all_holds(world: World, server: ObjectStore, folder: Path) -> None:
    """The independent checker finds nothing, the bucket copied to ``folder``."""
    for key in server.list():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(server.get(key))
    checker = Checker(world.database_url, folder, world.var / "logs", [], "never written")
    assert checker.check_state() == []


def test_everything_works_with_an_s3_store(far: World, server: ObjectStore, tmp_path: Path) -> None:
    token = far.teacher_token()
    batch_id = register(far, token, 6)
    files = upload_many(far, token, batch_id, 6)
    wait_until(lambda: status_of(far, token, batch_id) in DONE, 90, "the batch has ended")
    far.wait_quiet()
    assert status_of(far, token, batch_id) == "completed"
    essay = far.installation.get(f"/v1/batches/{batch_id}", token).body["essays"][0]["essay_id"]
    assert far.installation.get(f"/v1/essays/{essay}", token).body["text"].startswith("This is essay")
    assert far.installation.post(f"/v1/files/{files[0]}/reprocess", {}, token).status == 200
    far.wait_quiet()
    assert status_of(far, token, batch_id) == "completed"
    assert_all_holds(far, server, tmp_path)
    assert not (far.var / "content").exists() or not list((far.var / "content").rglob("*/*/*"))


def test_an_s3_store_that_hangs_under_load(
    far: World, line: Proxy, server: ObjectStore, tmp_path: Path
) -> None:
    token = far.teacher_token()
    batch_id = register(far, token, 20, configuration={"max_retries": 0})
    steps = far.pid("steps")
    acknowledged = upload_many(far, token, batch_id, 4)
    line.fall_silent()  # while they are read and checked
    keys = [str(uuid4()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda at: timed_upload(far, token, batch_id, 700 + at, keys[at]), range(8)))
    assert all(is_refused(answer) for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < WITHIN, answers
    later = [timed_upload(far, token, batch_id, 700 + at, keys[at]) for at in range(8)]
    assert all(is_refused(answer) for answer, _ in later)
    assert sorted(seconds for _, seconds in later)[4] < AT_ONCE and max(s for _, s in later) < WITHIN
    before = len(threads_of(far))
    for _ in range(30):
        answer, seconds = timed_get(far, "/readyz")
        assert (answer.status, answer.body["checks"]["storage"], seconds < READY_WITHIN) == (
            503,
            "failed",
            True,
        )
        assert answer.body["checks"]["database"] == "ok"
    assert len(threads_of(far)) <= before + 6
    page, seconds = timed_get(far, f"/v1/batches/{batch_id}", token)
    assert (page.status, seconds < AT_ONCE) == (200, True)
    time.sleep(10)
    assert far.pid("steps") == steps, "workers that wait for a store are not stuck"
    line.heal()
    wait_until(lambda: timed_get(far, "/readyz")[0].status == 200, 20, "the store is used again")
    assert files_of(far, batch_id) == len(acknowledged), "nothing was committed afterwards"
    for at, key in enumerate(keys):
        answer = insist(far, token, batch_id, 700 + at, key)
        acknowledged += [each["file_upload_id"] for each in answer.body["files"]]
    far.wait_quiet()
    assert far.installation.post(f"/v1/batches/{batch_id}/start", {}, token).status == 200
    wait_until(lambda: status_of(far, token, batch_id) in DONE, 120, "the batch has ended")
    results = far.installation.get(f"/v1/batches/{batch_id}/results", token).body
    assert results["status"] == "completed"
    assert {essay["file_upload_id"] for essay in results["essays"]} == set(acknowledged)
    assert far.count("SELECT count(*) FROM huleedu_deadletter") == 0
    assert_all_holds(far, server, tmp_path)
    opened = [line for line in far.log_text().splitlines() if "circuit.opened" in line]
    assert opened and all(json.loads(line)["endpoint"] == "store" for line in opened)


def threads_of(world: World) -> list[str]:
    """The web server's threads."""
    return [path.name for path in Path(f"/proc/{world.pid('web')}/task").iterdir()]


def test_a_disk_that_hangs_in_a_flush(world: World, token: str) -> None:
    """As a network file system does: the kernel does not come back from fsync for twenty seconds."""
    batch_id = register(world, token, 3)
    first = upload_many(world, token, batch_id, 1)
    world.wait_quiet()
    keys = [str(uuid4()) for _ in range(2)]
    with traced(world.pid("web"), "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=20s"):
        hung, seconds = timed_upload(world, token, batch_id, 710_000, keys[0])
        assert is_refused(hung) and seconds < WITHIN
        refused, seconds = timed_upload(world, token, batch_id, 710_001, keys[1])
        assert is_refused(refused) and seconds < WITHIN
        before = len(threads_of(world))
        for _ in range(100):
            ready, seconds = timed_get(world, "/readyz")
            assert (ready.body["checks"]["storage"], seconds < READY_WITHIN) == ("failed", True)
        assert len(threads_of(world)) <= before + 6
        assert timed_get(world, f"/v1/batches/{batch_id}", token)[1] < AT_ONCE
        assert files_of(world, batch_id) == 1
    wait_until(lambda: timed_get(world, "/readyz")[0].status == 200, 60, "the disk is used again")
    assert files_of(world, batch_id) == 1, "nothing was committed afterwards"
    for at, key in enumerate(keys):
        answer, _seconds = timed_upload(world, token, batch_id, 710_000 + at, key)
        assert answer.status == 201, answer
        first += [each["file_upload_id"] for each in answer.body["files"]]
    assert len(set(first)) == 3
    wait_completed(world, token, batch_id, first)


def test_a_frozen_database_is_named_within_two_seconds(world: World) -> None:
    """Every session stands still, as on a disk that hangs below the database."""
    postmaster = world.pid("postgres")
    frozen = [postmaster, *children(postmaster)]
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(10):
            answer, seconds = timed_get(world, "/readyz")
            assert (answer.status, answer.body["checks"]["database"]) == (503, "failed")
            assert answer.body["checks"]["storage"] == "ok" and seconds < READY_WITHIN
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_until(world.is_ready, 60, "the installation is ready")
