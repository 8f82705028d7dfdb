"""A word of its own in every place that may tell of a person: removed and deleted, it is nowhere any more."""

import asyncio
import io
import json
import subprocess
import urllib.request
import zipfile
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

ADDRESS = "kanariemailqzx@example.org"
DEAD_LETTER = """
INSERT INTO huleedu_deadletter (kind, status, topic, event_type, event_id, batch_id, file_upload_id,
  correlation_id, envelope, consumer, attempts, first_error, last_error, first_failed_at)
SELECT 'event', 'dead', 'essay.processing.dlq', event_type, event_id, batch_id, file_upload_id,
  correlation_id, envelope, 'relay', 4, 'x', 'x', now()
FROM huleedu_loggedevent WHERE envelope::text LIKE %s LIMIT 1
"""
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
    for kind in ("csv", "both"):
        export(world, token, batch_id, kind)
    here = found(world, (*OF_FILE, *OF_BATCH))
    expected = {*OF_FILE, "title", "class", "assignment", "other"} - {"key"}
    assert set(here) == expected, "a canary that is not there proves nothing"
    assert any("content/made" in place for place in here["name"]), "it is in what was exported"

    call(world, token, "DELETE", f"/v1/files/{file_id}")
    wait_until(lambda: erased(world, "file"), 60, "the file is erased")
    wait_until(completed, 60, "the batch has ended again")
    assert found(world, OF_FILE) == {}
    assert set(found(world, OF_BATCH)) == {"title", "class", "assignment", "other"}

    export(world, token, batch_id, "csv")
    call(world, token, "DELETE", f"/v1/batches/{batch_id}")
    wait_until(lambda: erased(world, "batch"), 60, "the batch is erased")
    assert found(world, (*OF_FILE, *OF_BATCH)) == {}
    assert world.count("SELECT count(*) FROM huleedu_deadletter") == 0
    assert world.count("SELECT count(*) FROM huleedu_loggedevent WHERE batch_id = %s", batch_id) > 10


def export(world: World, token: str, batch_id: str, kind: str) -> None:
    """Have an export made, and wait until it is."""
    made = call(world, token, "POST", f"/v1/batches/{batch_id}/exports", {"kind": kind})
    address = f"/v1/exports/{made['export_id']}"
    ready = ("ready", "failed")
    wait_until(lambda: world.installation.get(address, token).body["status"] in ready, 60, "it is made")
    assert world.installation.get(address, token).body["status"] == "ready"


OF_ACCOUNT = (
    *("account", "former", "mail", "token", "loose", "asked", "cancelled", "first", "second", "twice"),
    *("excess", "failed", "letter", "early", "late", "archive", "missing"),
)


def test_of_an_erased_account_with_all_its_files_nothing_is_left(world: World) -> None:
    """Files in every state, dead letters, contents of no batch, names and addresses it had before."""
    token = world.add_account(canary("former"))
    for deed in (("rename", canary("former"), canary("account")), ("email", canary("account"), ADDRESS)):
        assert world.manage("account", *deed).returncode == 0
    fill(world, token)
    account_id = world.count("SELECT id FROM auth_user WHERE username = %s", canary("account"))
    world.execute(DEAD_LETTER, f"%{canary('letter')}%")
    wait_until(lambda: not found(world, ("early", "first")), 60, "what was replaced is erased")
    here = found(world, OF_ACCOUNT)
    # Erased by now is what a file was before, and nowhere ever was what only somebody asked for.
    absent = {"early", "first", "former", "asked", "missing"}
    assert set(OF_ACCOUNT) - set(here) == absent, here
    done = world.manage("account", "delete", canary("account"), "--now")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: erased(world, "account"), 60, "the account is erased")
    world.wait_quiet()
    assert found(world, OF_ACCOUNT) == {}
    assert world.installation.get("/v1/batches", token).status == 401
    assert world.count("SELECT count(*) FROM auth_user WHERE id = %s", account_id) == 0
    assert world.count("SELECT count(*) FROM huleedu_erasure WHERE ended_at IS NULL") == 0


def fill(world: World, token: str) -> None:
    """A completed batch, files in every state, a cancelled batch, and content that no batch uses."""
    installation = world.installation

    def registered(expected: int) -> str:
        body = {"expected_essay_count": expected, "language": "en"}
        return str(call(world, token, "POST", "/v1/batches/register", body)["batch_id"])

    batch_id = registered(3)
    first = send_essay(world, token, batch_id, f"{canary('early')}.txt", canary("first"))
    replaced = installation.replace(first, token, f"{canary('late')}.txt", essay(canary("second")))
    assert replaced.status == 200, replaced
    send_essay(world, token, batch_id, f"{canary('letter')}.txt", "nothing")
    wait_until(lambda: counted(world, batch_id, "assigned") == 2, 90, "two are essays")
    world.wait_quiet()
    export(world, token, batch_id, "csv")
    send_essay(world, token, batch_id, f"{canary('twice')}.txt", canary("second"))
    wait_until(lambda: counted(world, batch_id, "duplicate") == 1, 90, "one is a duplicate")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{canary('archive')}.txt", canary("archive"))
    open_one = registered(2)
    for name, data in ((f"{canary('failed')}.docx", b"no"), (f"{canary('archive')}.zip", packed.getvalue())):
        assert installation.upload(open_one, token, name, data, str(uuid4())).status == 201
    wait_until(lambda: counted(world, open_one, "failed") == 2, 90, "both have failed")
    for number in range(3):
        send_essay(world, token, open_one, f"{canary('excess')} {number}.txt", f"number {number}")
    wait_until(lambda: counted(world, open_one, "excess") == 1, 90, "one is too many")
    call(world, token, "POST", f"/v1/batches/{registered(1)}/cancel", {"reason": canary("cancelled")})
    assert installation.get(f"/v1/batches?q={canary('asked')}", token).status in {200, 400}
    assert installation.get(f"/v1/files/{canary('missing')}", token).status == 404
    body_of_token = {"username": canary("account"), "password": canary("missing"), "name": canary("token")}
    assert installation.post("/v1/auth/token", body_of_token).status in {400, 401}
    world.execute(
        "UPDATE huleedu_apitoken SET name = %s WHERE owner_id = "
        "(SELECT id FROM auth_user WHERE username = %s)",
        canary("token"),
        canary("account"),
    )
    form, boundary = file_part("b", "file", f"{canary('loose')}.txt", essay(canary("loose"))), "b"
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Authorization": f"Bearer {token}",
    }
    address = f"{installation.url}/v1/content"
    answer = send(urllib.request.Request(address, form + b"--b--\r\n", headers))
    assert answer.status == 201, answer


def counted(world: World, batch_id: str, status: str) -> int:
    statement = "SELECT count(*) FROM files_fileupload WHERE batch_id = %s AND status = %s"
    return world.count(statement, batch_id, status)


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
