"""State folders of released versions, started with today's code: everything is there and goes on."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from huleedu.embedded import PostgresServer, running
from huleedu.machine import places
from tests.conftest import essay_bytes
from tests.installation import Installation, free_port, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]
RELEASED = sorted((Path(__file__).parent.parent / "samples" / "released").glob("*.zip"))


@pytest.fixture(scope="module", params=RELEASED, ids=lambda path: path.stem)
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation of that release with two batches, one of them complete, started with today's code."""
    found = Installation(tmp_path_factory.mktemp("released") / "var", free_port())
    # Releases until 0.2.0 ran the embedded PostgreSQL, and its data is opened by it for ever.
    found.variables["HULEEDU_POSTGRES"] = "embedded"
    places.make_state_folder(found.var, places.service_account())
    with zipfile.ZipFile(request.param) as released:
        dump = released.read("dump.sql").decode()
        released.extractall(found.var, [name for name in released.namelist() if name != "dump.sql"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HULEEDU_POSTGRES", "embedded")
        with running(PostgresServer(found.var)) as url, psycopg.connect(url) as connection:
            connection.cursor().execute(dump.encode())
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def token(upgraded: Installation) -> str:
    return upgraded.token()


def batch_called(upgraded: Installation, token: str, title: str) -> dict[str, Any]:
    (found,) = [each for each in upgraded.get("/v1/batches", token).body["results"] if each["title"] == title]
    body: dict[str, Any] = upgraded.get(f"/v1/batches/{found['batch_id']}", token).body
    return body


def test_what_was_complete_still_is(upgraded: Installation, token: str) -> None:
    batch = batch_called(upgraded, token, "Released")
    results = upgraded.get(f"/v1/batches/{batch['batch_id']}/results", token).body
    assert results["status"] == "completed"
    shown = {each["filename"]: each["spellcheck"]["findings"] for each in results["essays"]}
    assert shown == {"one.txt": 2, "two.txt": 33}
    for essay in results["essays"]:
        text = upgraded.get(f"/v1/essays/{essay['essay_id']}", token)
        assert (text.status, len(text.body["text"])) == (200, essay["characters"])
    assert upgraded.get(f"/v1/batches/{batch['batch_id']}/events?after=0", token).body["events"]


def test_reading_again_gives_todays_result(upgraded: Installation, token: str) -> None:
    """0.1.0 checked the Swedish essay with the batch's English dictionary."""
    batch = batch_called(upgraded, token, "Released")
    address = f"/v1/batches/{batch['batch_id']}"
    for file in batch["files"]:
        again = upgraded.post(f"/v1/files/{file['file_upload_id']}/reprocess", {}, token)
        assert again.status == 200, again

    def repeated() -> bool:
        essays = upgraded.get(f"{address}/results", token).body["essays"]
        found = {each["filename"]: (each["spellcheck"] or {}).get("findings") for each in essays}
        return found == {"one.txt": 2, "two.txt": 0}

    wait_until(repeated, 60, "each essay is checked in its own language")


def test_what_was_open_goes_on(upgraded: Installation, token: str) -> None:
    batch = batch_called(upgraded, token, "Open")
    assert batch["counts"]["assigned"] == 1 and batch["counts"]["failed"] == 1
    for number in (1, 2):
        data = essay_bytes(number)
        assert upgraded.upload(batch["batch_id"], token, f"{number}.txt", data, str(uuid4())).status == 201
    status = f"/v1/batches/{batch['batch_id']}/status"
    ended = {"completed", "completed_with_failures"}
    wait_until(lambda: upgraded.get(status, token).body["status"] in ended, 60, "the batch completes")
