"""An installation whose client repeats requests under keys of its own, also those that change a file."""

import json
import urllib.request
from typing import Any
from uuid import uuid4

from tests.installation import Answer, Installation, bearer, file_part, send


class Reached(Installation):
    """An installation and requests with idempotency keys."""

    def send_json(self, path: str, body: Any, token: str, key: str, method: str = "POST") -> Answer:
        """One JSON request under ``key``; no body when it is None."""
        headers = {"Idempotency-Key": key, **bearer(token)}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return send(urllib.request.Request(f"{self.url}{path}", data, headers, method=method))

    def put_content(self, file_id: str, token: str, filename: str, data: bytes, key: str) -> Answer:
        """Put other content in a file's place."""
        boundary = uuid4().hex
        body = file_part(boundary, "file", filename, data) + f"--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": key,
            **bearer(token),
        }
        url = f"{self.url}/v1/files/{file_id}/content"
        return send(urllib.request.Request(url, body, headers, method="PUT"))
