"""Whatever comes to any described operation, the answer is a described one and never a failure of ours."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from batches.models import Batch
from huleedu.api.api_view import CallerThrottle
from huleedu.api.views import description
from tests.api import body_of, client_of, register, some_file
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    (path, method)
    for path, operations in sorted(description()["paths"].items())
    for method in METHODS
    if method in operations
]
TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "\0", "\ud800", "1 OR 1=1", "%", "../..", "x" * 3000, "NaN"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, -1, 2**31, 2**63, 10**40, True, 1e308])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference means."""
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def values_of(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values like the schema's, on its edges, and some of another kind altogether."""
    schema = resolved(schema)
    kinds: list[st.SearchStrategy[Any]] = [ANYTHING]
    if "enum" in schema:
        kinds = [st.sampled_from(schema["enum"])] * 5 + kinds
    for name in ("anyOf", "oneOf", "allOf"):
        kinds = [values_of(each, depth + 1) for each in schema.get(name, [])] + kinds
    if schema.get("type") == "integer":
        edges = [schema.get("minimum", 0), schema.get("maximum", 100)]
        kinds = [st.sampled_from([*edges, edges[0] - 1, edges[1] + 1, 1])] * 5 + kinds
    if schema.get("type") == "string":
        kinds = [TEXT] * 3 + kinds
    if schema.get("type") == "object" and depth < 4:
        members = {name: values_of(each, depth + 1) for name, each in schema.get("properties", {}).items()}
        required = {name: members.pop(name) for name in schema.get("required", []) if name in members}
        kinds = [st.fixed_dictionaries(required, optional=members)] * 5 + kinds
    return st.one_of(kinds)


def body_schema(path: str, method: str) -> dict[str, Any]:
    """The schema of an operation's body; anything when there is none."""
    content: dict[str, Any] = description()["paths"][path][method].get("requestBody", {}).get("content", {})
    schemas: list[dict[str, Any]] = [each.get("schema", {}) for each in content.values()]
    return schemas[0] if schemas else {}


def query_of(path: str, method: str) -> st.SearchStrategy[dict[str, Any]]:
    """Query parameters, mostly the described ones."""
    parameters = description()["paths"][path][method].get("parameters", [])
    known = {each["name"]: values_of(each["schema"]) for each in parameters if each["in"] == "query"}
    return st.fixed_dictionaries({}, optional={**known, "unknown": TEXT})


@pytest.fixture
def ids(pipeline: Pipeline, teacher: User, make_essay: Essays) -> list[str]:
    """Ids of a batch, its file, its essay and its content, and of nothing."""
    batch_id = register(client_of(teacher), 2)["batch_id"]
    row = pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(1))
    pipeline.run()
    row.refresh_from_db()
    return [batch_id, str(row.pk), str(row.slot_id), str(row.raw_storage_id), str(uuid4()), "x", "%00", "é"]


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda each: str(each))
def test_no_request_is_a_failure_of_ours(
    path: str, method: str, teacher: User, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CallerThrottle, "allow_request", lambda *_: True)
    client = client_of(teacher)
    client.raise_request_exception = False
    keys = st.none() | st.sampled_from(["", "k", "x" * 256, "å", str(uuid4())])

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(ids), query_of(path, method), values_of(body_schema(path, method)), keys)
    def ask(identity: str, query: dict[str, Any], body: Any, key: str | None) -> None:
        cache.clear()
        response = answer(client, method, filled(path, identity), query, body, key)
        assert response.status_code < 500, response.content
        if response.status_code >= 400:
            assert response.headers["Content-Type"] == "application/problem+json"
            assert body_of(response)["status"] == response.status_code

    ask()


def filled(path: str, identity: str) -> str:
    """The path with every id in it replaced."""
    before, brace, after = path.partition("{")
    return before + quote(identity) + after.partition("}")[2] if brace else path


def answer(
    client: APIClient, method: str, path: str, query: dict[str, Any], body: Any, key: str | None
) -> Any:
    """The answer to one call; files go along where the body is a form."""
    address = (
        path
        + "?"
        + "&".join(f"{name}={quote(str(value), errors='replace')}" for name, value in query.items())
    )
    headers = {"Idempotency-Key": key} if key is not None else {}
    if method == "get":
        return client.get(address, headers=headers)
    if path.endswith(("/files/batch", "/content")) and isinstance(body, dict):
        fields = {clean(name): clean(value) for name, value in body.items() if name not in ("file", "files")}
        form = {**fields, "files": some_file(str(body).encode("utf-8", "replace"), clean(path)[-30:])}
        return getattr(client, method)(address, form, format="multipart", headers=headers)
    text = json.dumps(body)  # escapes what UTF-8 cannot hold
    return getattr(client, method)(address, text, content_type="application/json", headers=headers)


def clean(value: object) -> str:
    """What a form can carry of a value."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "0")
