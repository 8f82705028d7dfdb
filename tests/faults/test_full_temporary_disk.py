"""F20 where bodies lie while they come in: the disk of temporary files is full."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.disks import SmallDisk, small_disk
from tests.faults.wire import Form, Hasty, chunked, hasty_server
from tests.installation import Answer, Installation, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
MEGABYTE = 1024 * 1024
SMALL, SPOOLED = 60_000, 150_000  # bytes; from 100,000 on the web server puts a body on disk


@dataclass(frozen=True)
class Cramped:
    """A web server whose temporary files lie on a disk of 2 MB."""

    hasty: Hasty
    disk: SmallDisk
    token: str

    def form(self, size: int) -> Form:
        """An upload of one file of ``size`` bytes to a batch of its own."""
        body = {"expected_essay_count": 1, "language": "en"}
        answer = self.hasty.installation.post("/v1/batches/register", body, self.token)
        text = essay_bytes(int.from_bytes(os.urandom(4)))
        return Form(answer.body["batch_id"], self.token, (("a.txt", text.ljust(size)[:size]),))

    def say(self, form: Form, correlation_id: str) -> Answer:
        """Send the upload on a connection that is to stay, and wait until the server closes it."""
        said = form.head(Connection="keep-alive", X_Correlation_ID=correlation_id)
        return self.hasty.say(said + form.body)

    def names(self, form: Form) -> list[str]:
        """The files of the batch."""
        snapshot = self.hasty.get(f"/v1/batches/{form.batch_id}", self.token)
        return [file["filename"] for file in snapshot.body["files"]]

    def contents(self) -> set[Path]:
        """What the content store holds, probes left out."""
        found = (self.hasty.installation.var / "content").rglob("*")
        return {path for path in found if path.is_file() and "probe" not in path.parts}

    def free(self) -> int:
        """Free bytes for temporary files."""
        status = os.statvfs(self.disk.folder)
        return status.f_bfree * status.f_frsize


@pytest.fixture(scope="module")
def cramped(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cramped]:
    variables = {"HULEEDU_MAX_REQUEST_BYTES": str(64 * MEGABYTE)}
    own = tmp_path_factory.mktemp("cramped")
    folder = own / "tmp"
    folder.mkdir(mode=0o700)
    with small_disk(folder, 2) as disk, hasty_server(installation, own, variables) as hasty:
        found = Cramped(hasty, disk, installation.token())
        yield found


def assert_full(answer: Answer, correlation_id: str) -> None:
    """Said plainly, under the client's correlation id, and that it may be tried again."""
    assert (answer.status, answer.headers.get("Content-Type")) == (507, "application/problem+json"), answer
    assert (answer.body["status"], answer.body["code"]) == (507, "STORAGE_FULL")
    assert answer.body["correlation_id"] == answer.headers["X-Correlation-Id"] == correlation_id
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("megabytes", "size"), [
    pytest.param(2, 5_000_000, id="web server, far too much"),
    pytest.param(2, 2 * MEGABYTE - 1000, id="web server, its last bytes"),
    pytest.param(2, 1_200_000, id="second copy, for the application"),
    pytest.param(3, 1_200_000, id="third copy, of the file in the form"),
])  # fmt: skip
def test_a_body_that_finds_no_room(cramped: Cramped, megabytes: int, size: int) -> None:
    cramped.disk.remount(f"size={megabytes}m")
    form, correlation_id, contents, free = (
        cramped.form(size),
        str(uuid4()),
        cramped.contents(),
        cramped.free(),
    )
    answer = cramped.say(form, correlation_id)
    assert_full(answer, correlation_id)
    assert ("Connection" in answer.headers) == (megabytes == 2)  # views may keep theirs
    assert (cramped.names(form), cramped.contents()) == ([], contents)
    wait_until(lambda: cramped.free() == free, 5, "nothing temporary is left")


def test_a_body_of_unknown_length_that_finds_no_room(cramped: Cramped) -> None:
    cramped.disk.remount("size=2m")
    form, correlation_id = cramped.form(SMALL), str(uuid4())
    said = form.head(Transfer_Encoding="chunked", X_Correlation_ID=correlation_id)
    assert_full(cramped.hasty.say(said + chunked(b"x" * 3_000_000)), correlation_id)


def test_on_a_full_disk_small_requests_go_on(cramped: Cramped) -> None:
    cramped.disk.remount("size=2m")
    small, spooled = cramped.form(SMALL), cramped.form(SPOOLED)
    cramped.disk.fill()
    try:
        assert cramped.hasty.say(small.head() + small.body).status == 201
        correlation_id = str(uuid4())
        assert_full(cramped.say(spooled, correlation_id), correlation_id)
        assert cramped.hasty.is_well()
        with cramped.hasty.wire() as leaving:
            leaving.send(spooled.head() + spooled.body[:1000])  # in memory; there is no room to write it
    finally:
        cramped.disk.empty()
    assert cramped.hasty.say(spooled.head() + spooled.body).status == 201
    assert (cramped.names(small), cramped.names(spooled)) == (["a.txt"], ["a.txt"])
