"""A word of its own in every place that may tell of a person: removed and deleted, it is nowhere any more."""

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Origin

from huleedu.embedded import ValkeyServer
from tests.faults.calls import Reached
from tests.faults.world import World
from tests.installation import field_part, file_part, free_port, send, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

OF_FILE = ("name", "folder", "reference", "text", "key")
OF_BATCH = ("title", "class", "assignment", "other")
UNDO, BIN = 4, 6  # seconds


def canary(field: str) -> str:
    """A word that stands in one place alone, and that nobody spells so."""
    return f"Kanarie{field}qzx"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation that forgets within seconds."""
    variables = {"HULEEDU_UNDO_SECONDS": str(UNDO), "HULEEDU_BIN_SECONDS": str(BIN)}
    found = Reached(tmp_path_factory.mktemp("forgetting") / "var", free_port(), variables=variables)
    try:
        found.start()
        yield World(found)
    finally:
        found.stop()


def essay(word: str) -> bytes:
    return (
        f"This is an essay about {word}. Every morning the same thing happens, and {word} knows. "
        "We walk in, and before the first lesson all the phones go into a box on the desk."
    ).encode()


def send_essay(world: World, token: str, batch_id: str, name: str, word: str, **entry: str) -> str:
    """Upload one essay with everything that a manifest may tell; its file's id."""
    data, boundary = essay(word), uuid4().hex
    manifest = [{"filename": name, "size": len(data), **entry}]
    body = b"".join(
        [
            field_part(boundary, "batch_id", batch_id),
            field_part(boundary, "manifest", json.dumps(manifest)),
            file_part(boundary, "files", name, data),
            f"--{boundary}--\r\n".encode(),
        ]
    )
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": canary("key") if "folder" in entry else str(uuid4()),
    }
    address = f"{world.installation.url}/v1/files/batch"
    answer = send(urllib.request.Request(address, body, headers))
    assert answer.status == 201, answer
    return str(answer.body["files"][0]["file_upload_id"])


def call(world: World, token: str, method: str, path: str, body: Any = None) -> Any:
    answer = world.installation.post(path, body or {}, token, method=method)
    assert answer.status in {200, 201}, answer
    return answer.body


def places(world: World) -> Iterator[tuple[str, bytes]]:
    """Everything the installation keeps but the database's own files, whose rows are read instead."""
    for (table,) in world.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        statement = f"COPY {table} TO STDOUT".encode()
        with world.connect() as connection, connection.cursor().copy(statement) as rows:
            yield f"table {table}", b"".join(bytes(row) for row in rows)
    dumped = subprocess.run(["pg_dump", world.database_url], capture_output=True, check=False)
    if dumped.returncode == 0:
        yield "pg_dump", dumped.stdout
    data = min(world.var.rglob("PG_VERSION"), key=lambda path: len(path.parts)).parent
    for path in world.var.rglob("*"):
        if path.is_file() and data not in path.parents:
            yield str(path.relative_to(world.var)), path.read_bytes()
    for log in data.rglob("*.log"):
        yield f"log of the database {log.name}", log.read_bytes()
    yield "run.log", (world.var.parent / "run.log").read_bytes()
    yield from kept_by_valkey(world)


def kept_by_valkey(world: World) -> Iterator[tuple[str, bytes]]:
    """Every key with its value."""
    with Redis.from_url(ValkeyServer(world.var).url) as client:
        for key in client.scan_iter():
            yield f"Valkey {key!r}", key + (client.dump(key) or b"")


def found(world: World, fields: tuple[str, ...]) -> dict[str, list[str]]:
    """Where the canaries of ``fields`` are."""
    kept = [(name, data.lower()) for name, data in places(world)]
    where = {
        field: [name for name, data in kept if canary(field).lower().encode() in data] for field in fields
    }
    return {field: names for field, names in where.items() if names}


def test_what_is_removed_is_nowhere_any_more(world: World) -> None:
    token = world.installation.token()
    body = {
        "expected_essay_count": 2,
        "language": "en",
        "title": canary("title"),
        "class_name": canary("class"),
        "assignment": canary("assignment"),
    }
    batch_id = str(call(world, token, "POST", "/v1/batches/register", body)["batch_id"])
    entry = {"folder": canary("folder"), "client_ref": canary("reference")}
    file_id = send_essay(world, token, batch_id, f"{canary('name')}.txt", canary("text"), **entry)
    send_essay(world, token, batch_id, "other.txt", canary("other"))

    def completed() -> bool:
        return bool(
            world.installation.get(f"/v1/batches/{batch_id}/status", token).body["status"] == "completed"
        )

    wait_until(completed, 90, "the batch is completed")
    here = found(world, (*OF_FILE, *OF_BATCH))
    expected = {*OF_FILE, "title", "class", "assignment", "other"} - {"key"}
    assert set(here) == expected, "a canary that is not there proves nothing"

    call(world, token, "DELETE", f"/v1/files/{file_id}")
    wait_until(lambda: erased(world, "file"), 60, "the file is erased")
    wait_until(completed, 60, "the batch has ended again")
    assert found(world, OF_FILE) == {}
    assert set(found(world, OF_BATCH)) == {"title", "class", "assignment", "other"}

    call(world, token, "DELETE", f"/v1/batches/{batch_id}")
    wait_until(lambda: erased(world, "batch"), 60, "the batch is erased")
    assert found(world, (*OF_FILE, *OF_BATCH)) == {}
    assert world.count("SELECT count(*) FROM huleedu_deadletter") == 0
    assert world.count("SELECT count(*) FROM huleedu_loggedevent WHERE batch_id = %s", batch_id) > 10


def erased(world: World, kind: str) -> bool:
    statement = "SELECT count(*) FROM huleedu_erasure WHERE kind = %s AND ended_at IS NOT NULL"
    return world.count(statement, kind) == 1


def test_whoever_follows_a_deleted_batch_is_told_and_leaves(world: World) -> None:
    token = world.installation.token()
    body = {"expected_essay_count": 1, "language": "en"}
    batch_id = str(call(world, token, "POST", "/v1/batches/register", body)["batch_id"])
    address = f"ws://127.0.0.1:{world.installation.port}/ws/batches/{batch_id}/"

    async def follow() -> tuple[list[str], int | None]:
        told: list[str] = []
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(
            address, additional_headers=headers, origin=Origin(world.installation.url)
        ) as socket:
            told.append(json.loads(await socket.recv())["type"])
            await asyncio.to_thread(call, world, token, "DELETE", f"/v1/batches/{batch_id}")
            async with asyncio.timeout(30):
                with suppress(ConnectionClosedError):  # with 4404
                    async for text in socket:
                        told.append(json.loads(text).get("event", ""))
        return told, socket.close_code

    assert asyncio.run(follow()) == (["hello", "batch.deleted"], 4404)
