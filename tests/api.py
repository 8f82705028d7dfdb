"""An integrator's client, and answers held against their shapes."""

import hashlib
import json
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from pydantic import BaseModel
from rest_framework.response import Response
from rest_framework.test import APIClient

from huleedu.accounts.authentication import make_token
from huleedu.api.shapes import ProblemDetails

BOUNDARY = "x-boundary-x"
MOMENT = 3  # statements around an answer: BEGIN, SET TRANSACTION, COMMIT
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
Shape = TypeVar("Shape", bound=BaseModel)


def client_of(user: User, scope: str = "write") -> APIClient:
    """A client with a bearer token of ``user``."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user, 'test', scope).secret}")
    return client


def body_of(response: Any) -> Any:
    """The JSON that went over the wire."""
    return json.loads(response.content)


def checked(shape: type[Shape], response: Response, status: int = 200) -> dict[str, Any]:
    """The answer's JSON; it has ``status`` and exactly the described shape."""
    assert response.status_code == status, response.content
    shape.model_validate_json(response.content)
    body: dict[str, Any] = body_of(response)
    return body


def problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """The problem answer's JSON."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = body_of(response)
    ProblemDetails.model_validate(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["correlation_id"] == response.headers["X-Correlation-ID"]
    return body


def register(client: APIClient, expected: int = 2, **fields: Any) -> dict[str, Any]:
    """A registered batch, as the API answers it."""
    body = {"expected_essay_count": expected, "language": "en", **fields}
    response = client.post("/v1/batches/register", body, format="json")
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = body_of(response)
    return answer


def some_file(data: bytes, name: str = "essay.txt") -> SimpleUploadedFile:
    """A file to upload."""
    return SimpleUploadedFile(name, data)


def upload(client: APIClient, batch_id: str, *files: SimpleUploadedFile, **extra: Any) -> Response:
    """Upload ``files``; ``headers`` and further form fields in ``extra``."""
    headers = extra.pop("headers", None)
    form = {"batch_id": batch_id, "files": list(files), **extra}
    return client.post("/v1/files/batch", form, format="multipart", headers=headers)


def manifest_of(*files: tuple[str, bytes], sha256: bool = True) -> str:
    """The manifest of ``files``, given as name and content."""
    entries: list[dict[str, Any]] = []
    for number, (name, data) in enumerate(files):
        entry: dict[str, Any] = {"client_ref": f"ref-{number}", "filename": name, "size": len(data)}
        entries.append({**entry, "sha256": hashlib.sha256(data).hexdigest()} if sha256 else entry)
    return json.dumps(entries)


def raw_form(fields: dict[str, str], files: list[tuple[str, bytes]], closed: bool = True) -> bytes:
    """A form as bytes; without its closing boundary unless ``closed``."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, data in files:
        head = f'Content-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: text/plain'
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + (f"--{BOUNDARY}--\r\n".encode() if closed else b"")


def send_form(client: APIClient, body: bytes, content_type: str = MULTIPART, **headers: str) -> Any:
    """Upload a form given as bytes."""
    return client.post("/v1/files/batch", body, content_type=content_type, headers=headers)
