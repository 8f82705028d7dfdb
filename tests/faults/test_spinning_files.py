"""Files that cost hours to read, and another teacher's batch beside them."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.files.documents import spinning_pdf
from tests.installation import Installation, running, wait_until

pytestmark = pytest.mark.live
SPINNING = 3


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("spinning")) as found:
        yield found


def batch_of(
    installation: Installation, token: str, files: list[tuple[str, bytes]], language: str = "en"
) -> str:
    body = {"expected_essay_count": len(files), "language": language}
    batch_id = str(installation.post("/v1/batches/register", body, token).body["batch_id"])
    for name, data in files:
        assert installation.upload(batch_id, token, name, data, str(uuid4())).status == 201
    return batch_id


def states(installation: Installation, token: str, batch_id: str) -> list[str]:
    files = installation.get(f"/v1/batches/{batch_id}", token).body["files"]
    return [file["status"] for file in files]


@pytest.mark.timeout(300)
def test_files_that_spin_keep_nobody_waiting(installation: Installation) -> None:
    mine, theirs = installation.token(), installation.token("support")
    spinning = [(f"{number}.pdf", spinning_pdf(str(number))) for number in range(SPINNING)]
    slow = batch_of(installation, theirs, spinning)
    time.sleep(2)  # by now whoever could be held by them is
    good = batch_of(installation, mine, [(f"{n}.txt", essay_bytes(n)) for n in range(5)])

    def complete() -> bool:
        return bool(installation.get(f"/v1/batches/{good}/status", mine).body["status"] == "completed")

    wait_until(complete, 60, "the other batch is complete")
    assert states(installation, theirs, slow) == ["processing"] * SPINNING, "not one of them had ended"
    wait_until(
        lambda: states(installation, theirs, slow) == ["failed"] * SPINNING, 200, "each ends with a reason"
    )
    files = installation.get(f"/v1/batches/{slow}", theirs).body["files"]
    assert {file["error"]["error_code"] for file in files} == {"TIMEOUT"}
