"""An S3-compatible store that is not waited for longer than somebody would wait for it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from weakref import WeakSet

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

CONNECT_SECONDS = 2
READ_SECONDS = 2  # without a byte
ATTEMPTS = 2
CONNECTIONS = 16  # as many as there are threads that call the store
NOT_FOUND = 404


MADE: "WeakSet[ObjectStorage]" = WeakSet()


class ObjectStorage(S3Storage):
    """One request for each object, in the thread that asks, with short timeouts and one more try."""

    _making = threading.Lock()
    _session: Any = None
    _bucket: Any
    _connections: threading.local
    _unsigned_connections: threading.local

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        MADE.add(self)

    def forget(self) -> None:
        """Begin anew, without the session and the connections."""
        self._session = self._bucket = None
        self._connections, self._unsigned_connections = threading.local(), threading.local()

    def get_default_settings(self) -> dict[str, Any]:
        """django-storages' own with ours in front."""
        found: dict[str, Any] = super().get_default_settings()
        client = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            s3={"addressing_style": found["addressing_style"] or "auto"},
            signature_version=found["signature_version"],
            proxies=found["proxies"],
        )
        # In pieces, an upload that breaks off would leave pieces that cost and nobody sees.
        whole = TransferConfig(use_threads=False, multipart_threshold=2**31)
        return {**found, "client_config": client, "transfer_config": whole}

    @property
    def connection(self) -> Any:
        """The calling thread's, made one after the other: at once, each would read the same files."""
        with self._making:
            return super().connection

    def _create_session(self) -> Any:
        if self._session is None:
            self._session = super()._create_session()
        return self._session

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """The object as it comes, to be read once from its beginning. Raises ``FileNotFoundError``.

        One request, where django-storages asks twice for the size first.
        """
        with told_like_others(name):
            answer = self.bucket.Object(self._normalize_name(clean_name(name))).get()
        found: File[bytes] = File(answer["Body"], name)
        found.size = answer["ContentLength"]
        return found

    def get_modified_time(self, name: str) -> datetime:
        """When the object was written. Raises ``FileNotFoundError``."""
        with told_like_others(name):
            return super().get_modified_time(name)


@contextmanager
def told_like_others(name: str) -> Iterator[None]:
    """Raise ``FileNotFoundError`` for what is not there, like other stores."""
    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_FOUND:
            raise FileNotFoundError(name) from error
        raise


def begin_anew() -> None:
    """In a child: two processes on one connection would read each other's answers, and nobody gives its
    parent's lock back."""
    ObjectStorage._making = threading.Lock()
    for storage in list(MADE):
        storage.forget()


os.register_at_fork(after_in_child=begin_anew)
