"""What the description says of every operation alike: answers, headers, ids, and where they lead."""

from typing import Any

from huleedu.answers.problems import MEDIA_TYPE
from huleedu.api.schema import DESCRIPTIONS, IDEMPOTENCY_KEY

Described = dict[str, Any]
METHODS = frozenset({"get", "put", "post", "patch", "delete"})
UNSAFE = METHODS - {"get"}
EVERYWHERE = (400, 408, 413, 415, 500, 503)  # the door, the framework and our own failures
FORM = "multipart/form-data"
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
ID = {"type": "string", "format": "uuid"}
SECONDS = {"type": "integer", "minimum": 1}
CORRELATION_ID = {
    "in": "header",
    "name": "X-Correlation-ID",
    "schema": {"type": "string"},
    "description": "A uuid of yours that names this request from now on; anything else is replaced.",
}
RETURNED_ID = {"schema": ID, "required": True, "description": "Names this request in logs and events."}
RETRY_AFTER = {"schema": SECONDS, "required": True, "description": "Seconds until a repeat makes sense."}
MAY_RETRY_AFTER = {
    "schema": SECONDS,
    "description": "Seconds; there when the same request is being carried out.",
}
CHALLENGE = {"schema": {"type": "string"}, "description": "`Bearer`, unless a password was wrong."}
REPLAYED = {
    "schema": {"const": "true"},
    "description": "There when this is an earlier answer under the same key.",
}
ETAG = {"schema": {"type": "string"}, "required": True, "description": "`version` in quotes, for `If-Match`."}
HEADERS: dict[int, Described] = {
    401: {"WWW-Authenticate": CHALLENGE},
    409: {"Retry-After": MAY_RETRY_AFTER},
    429: {"Retry-After": RETRY_AFTER},
    503: {"Retry-After": RETRY_AFTER},
    507: {"Retry-After": RETRY_AFTER},
}
# Where an id in an answer leads: by operation and status, then by the parameter that takes the id. Only ids
# that every such answer has.
OF_BATCH = (
    *("get_batch", "get_batch_status", "get_batch_results", "get_batch_events", "get_batch_analytics"),
    *("start_batch", "extend_batch", "expect_essays", "cancel_batch"),
)
OF_FILE = ("get_file", "trace_file", "replace_file", "reprocess_file", "remove_file")
LEADS: dict[tuple[str, str], list[tuple[str, str, tuple[str, ...]]]] = {
    ("register_batch", "201"): [
        ("batch_id", "batch_id", OF_BATCH),
        ("essay_id", "essays/0/essay_id", ("get_essay",)),
    ],
    ("upload_files", "201"): [("file_upload_id", "files/0/file_upload_id", OF_FILE)],
    ("get_file", "200"): [("batch_id", "batch_id", ("get_batch",))],
    ("get_essay", "200"): [("batch_id", "batch_id", ("get_batch",))],
    ("store_content", "201"): [("content_id", "content_id", ("get_content",))],
}


def complete(result: Described, generator: Any, request: Any, public: bool) -> Described:
    """The document ``result`` with what holds for all operations; drf-spectacular calls it."""
    for operations in result["paths"].values():
        for method, operation in operations.items():
            complete_operation(operation, method)
            for status, response in operation["responses"].items():
                complete_response(response, int(status), operation, result["components"]["schemas"])
    return result


def complete_operation(operation: Described, method: str) -> None:
    """Ids are uuids, forms are required, every request may carry an id, and some answers may come to all."""
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["schema"] = ID
    parameters.append(CORRELATION_ID)
    is_form = FORM in operation.get("requestBody", {}).get("content", {})
    if is_form:
        operation["requestBody"]["required"] = True
    owned = operation.get("security") and method in UNSAFE
    for status in (*EVERYWHERE, *((403,) if owned else ()), *((507,) if is_form else ())):
        described = {"content": PROBLEM, "description": DESCRIPTIONS[status]}
        operation["responses"].setdefault(str(status), described)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def complete_response(response: Described, status: int, operation: Described, shapes: Described) -> None:
    """The headers of an answer, and where its ids lead."""
    headers = {"X-Correlation-ID": RETURNED_ID, **HEADERS.get(status, {})}
    if status < 300:
        names = {parameter["name"] for parameter in operation["parameters"]}
        if IDEMPOTENCY_KEY.name in names:
            headers["Idempotent-Replayed"] = REPLAYED
        if "version" in properties_of(response, shapes):
            headers["ETag"] = ETAG
    response["headers"] = headers
    links = links_of(operation["operationId"], str(status))
    if links:
        response["links"] = links


def properties_of(response: Described, shapes: Described) -> Described:
    """The members of a JSON answer."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    shape: Described = shapes.get(schema.get("$ref", "").rpartition("/")[2], {})
    properties: Described = shape.get("properties", {})
    return properties


def links_of(operation_id: str, status: str) -> Described:
    """OpenAPI links by the operation they lead to."""
    return {
        target: {"operationId": target, "parameters": {parameter: f"$response.body#/{pointer}"}}
        for parameter, pointer, targets in LEADS.get((operation_id, status), [])
        for target in targets
    }
