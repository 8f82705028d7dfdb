"""An installation whose client repeats requests under keys of its own, also those that change a file."""

import json
import socket
import urllib.request
from contextlib import suppress
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

    def upload_cut_off(
        self, batch_id: str, token: str, filename: str, data: bytes, key: str, share: float
    ) -> None:
        """Send that share of an upload's bytes, headers included, and leave without waiting."""
        request = self.upload_request(batch_id, token, filename, data, key)
        body = request.data
        assert isinstance(body, bytes)
        lines = [f"POST {request.selector} HTTP/1.1", f"Host: {request.host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in request.header_items()]
        whole = "\r\n".join([*lines, "", ""]).encode() + body
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(whole[: int(len(whole) * share)])

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
