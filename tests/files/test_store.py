"""The door to the content store: what comes back from it, however odd, is told as one failure."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from files.s3 import ObjectStorage
from files.store import reach
from huleedu.failures.errors import StorageFailed


class Redirecting(BaseHTTPRequestHandler):
    """Sends whoever asks somewhere else, where nobody is."""

    def do_PUT(self) -> None:
        """Any request."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(307)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def redirecting() -> Iterator[ObjectStorage]:
    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield ObjectStorage(
            bucket_name="essays",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            access_key="key",
            secret_key="secret",
            region_name="eu-north-1",
        )
        server.shutdown()
        thread.join()


@pytest.mark.timeout(60)
def test_a_server_that_redirects_to_nowhere_is_a_store_that_fails(redirecting: ObjectStorage) -> None:
    with pytest.raises(StorageFailed):
        reach(lambda: redirecting.save(uuid4().hex, ContentFile(b"text")), 20)
    with pytest.raises(StorageFailed):
        reach(lambda: redirecting.open(uuid4().hex).read(), 20)
