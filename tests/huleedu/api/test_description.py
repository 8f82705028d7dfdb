"""The description says what the API does: kinds of differences that were found, each with its right value."""

import json
import re
from typing import Any, get_args
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from files.shapes import IncompleteUpload
from huleedu.api.idempotency import MAX_KEY
from huleedu.api.views import description
from results.listing import Cursor, Order
from tests.api import MULTIPART, body_of, client_of, raw_form, register, send_form, upload
from tests.api import some_file as file

pytestmark = pytest.mark.django_db
OPERATIONS = {
    operation["operationId"]: {**operation, "path": path, "method": method}
    for path, operations in description()["paths"].items()
    for method, operation in operations.items()
}
BODIES = sorted(name for name, operation in OPERATIONS.items() if "requestBody" in operation)
SCHEMAS: dict[str, Any] = description()["components"]["schemas"]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def send(client: APIClient, path: str, text: str, **headers: str) -> Any:
    return client.post(path, text.encode(), content_type="application/json", headers=headers)


def parameter(operation: str, name: str) -> dict[str, Any]:
    """The schema of one parameter."""
    found: list[dict[str, Any]] = [one for one in OPERATIONS[operation]["parameters"] if one["name"] == name]
    schema: dict[str, Any] = found[0]["schema"]
    return schema


@pytest.mark.parametrize("number", ["2.0", "2e0", "0.2e1", "20E-1", "2"])
def test_an_integer_may_be_written_in_every_way_of_json(client: APIClient, number: str) -> None:
    settings = f'{{"readiness_seconds": {number}, "timeout_seconds": {number}, "max_retries": {number}}}'
    answer = send(
        client, "/v1/batches/register", f'{{"expected_essay_count": {number}, "configuration": {settings}}}'
    )
    assert answer.status_code == 201, answer.content
    batch = f"/v1/batches/{body_of(answer)['batch_id']}"
    assert send(client, f"{batch}/extend", f'{{"seconds": {number}}}').status_code == 200
    assert send(client, f"{batch}/expect", f'{{"expected_essay_count": {number}}}').status_code == 200
    told = body_of(client.get(batch))
    assert (told["expected_essay_count"], told["configuration"]["max_retries"]) == (2, 2)
    manifest = f'[{{"filename": "a.txt", "size": {number}}}]'
    sent = upload(client, told["batch_id"], file(b"ab", "a.txt"), manifest=manifest)
    assert sent.status_code == 201, sent.content


@pytest.mark.parametrize("number", ["2.5", '"2"', "true", "null", "1e400", "[2]"])
def test_what_is_no_integer_is_none(client: APIClient, number: str) -> None:
    answer = send(client, "/v1/batches/register", f'{{"expected_essay_count": {number}}}')
    assert answer.status_code == 400, answer.content


def test_the_same_value_in_another_writing_is_the_same_request(client: APIClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    answers = [
        send(client, "/v1/batches/register", f'{{"expected_essay_count": {number}}}', **key)
        for number in ("3", "3.0")
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("k", True),
        ("a key", True),
        ("~" * MAX_KEY, True),
        ("", False),
        ("é", False),
        ("k\t", False),
        (" ", False),
    ],
)
def test_the_pattern_of_the_key_is_what_is_taken(client: APIClient, key: str, good: bool) -> None:
    schema = parameter("register_batch", "Idempotency-Key")
    fits = len(key) <= schema["maxLength"] and re.search(schema["pattern"], key) is not None
    answer = client.post(
        "/v1/batches/register", {"expected_essay_count": 1}, format="json", headers={"Idempotency-Key": key}
    )
    assert fits == good
    if key.strip() == key:  # a server takes spaces around a header's value away
        assert (answer.status_code == 201) == good


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "0_00000000-0000-0000-0000-000000000000",
        f"{'9' * 16}_ffffffff-ffff-ffff-ffff-ffffffffffff",
        f"3_{'9' * 16}_ffffffff-ffff-ffff-ffff-ffffffffffff_{'9' * 19}",
        f"3_{'9' * 16}_ffffffff-ffff-ffff-ffff-ffffffffffff",
        f"4_{'9' * 16}_ffffffff-ffff-ffff-ffff-ffffffffffff_1",
        "x",
        "1_",
    ],
)
def test_the_pattern_of_the_cursor_is_what_is_taken(client: APIClient, cursor: str) -> None:
    fits = re.search(parameter("list_batches", "cursor")["pattern"], cursor) is not None
    for order in ("newest", "needs"):
        answer = client.get("/v1/batches", {"cursor": cursor, "order": order})
        assert (answer.status_code == 200) == fits


@pytest.mark.parametrize("order", get_args(Order))
def test_a_cursor_of_ours_fits_its_pattern_and_goes_on_where_it_says(client: APIClient, order: Order) -> None:
    made = [register(client, title=str(number))["batch_id"] for number in range(5)]
    cursor = ""
    seen: list[str] = []
    while True:
        page = body_of(client.get("/v1/batches", {"cursor": cursor, "limit": "2", "order": order}))
        seen += [batch["batch_id"] for batch in page["results"]]
        if page["next"] is None:
            break
        cursor = page["next"]
        assert re.search(parameter("list_batches", "cursor")["pattern"], cursor)
        assert str(Cursor.read(cursor, order)) == cursor
    assert seen == made[::-1]


def texts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Every free text in a shape, however deep."""
    if "$ref" in schema:
        return texts(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    found = (
        [schema] if schema.get("type") == "string" and "enum" not in schema and "const" not in schema else []
    )
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("allOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return found + [text for one in inner for text in texts(one)]


@pytest.mark.parametrize("name", BODIES)
def test_a_text_that_cannot_be_stored_is_not_described(name: str) -> None:
    for media in OPERATIONS[name]["requestBody"]["content"].values():
        for text in texts(media["schema"]):
            if text.get("format") in {"binary", "uuid", "date", "date-time"}:
                continue
            assert re.search(text["pattern"], "a\0b") is None, text


@pytest.mark.parametrize("name", BODIES)
def test_unknown_members_are_neither_described_nor_taken(name: str) -> None:
    for media in OPERATIONS[name]["requestBody"]["content"].values():
        schema = media["schema"]
        shape = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        assert shape["additionalProperties"] is False


def test_a_form_with_a_field_too_many_is_refused_and_one_is_required(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    extra = raw_form({"batch_id": batch_id, "extra": "1"}, [("a.txt", b"ab")])
    assert send_form(client, extra).status_code == 400
    for name in ("upload_files", "replace_file", "store_content"):
        assert OPERATIONS[name]["requestBody"]["required"] is True
    assert client.post("/v1/files/batch", b"", content_type=MULTIPART).status_code == 422


def test_a_manifest_may_come_as_the_json_part_that_is_described(client: APIClient) -> None:
    encoding = OPERATIONS["upload_files"]["requestBody"]["content"]["multipart/form-data"]["encoding"]
    assert encoding == {"manifest": {"contentType": "application/json"}}
    body = raw_form({"batch_id": register(client)["batch_id"]}, [("a.txt", b"ab")], closed=False)
    manifest = json.dumps([{"filename": "a.txt", "size": 2}])
    head = 'Content-Disposition: form-data; name="manifest"\r\nContent-Type: application/json'
    body += f"--x-boundary-x\r\n{head}\r\n\r\n{manifest}\r\n--x-boundary-x--\r\n".encode()
    assert send_form(client, body).status_code == 201


def test_both_answers_with_422_to_an_upload_have_its_shape(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    key = {"Idempotency-Key": str(uuid4())}
    upload(client, batch_id, file(b"ab"), headers=key)
    for answer in (
        upload(client, batch_id, file(b"cd"), headers=key),
        upload(client, batch_id, file(b"cd"), manifest='[{"filename": "x", "size": 1}]'),
    ):
        assert answer.status_code == 422
        IncompleteUpload.model_validate_json(answer.content)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_tells_what_may_come_of_it(name: str) -> None:
    operation = OPERATIONS[name]
    answers = operation["responses"]
    expected = {"400", "401", "408", "413", "415", "429", "500", "503"}
    if operation["method"] != "get" and operation.get("security"):
        expected.add("403")
    assert expected <= set(answers)
    for status, answer in answers.items():
        assert answer["headers"]["X-Correlation-ID"]["required"] is True
        assert ("Retry-After" in answer["headers"]) == (status in {"409", "429", "503", "507"})
    for one in operation["parameters"]:
        assert one["in"] != "path" or one["schema"] == {"type": "string", "format": "uuid"}


def test_links_lead_from_ids_to_what_takes_them() -> None:
    links = [
        link
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 15
    for link in links:
        taken = {one["name"] for one in OPERATIONS[link["operationId"]]["parameters"] if one["in"] == "path"}
        assert set(link["parameters"]) == taken
