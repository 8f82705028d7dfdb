"""An S3-compatible store that is not waited for longer than somebody would wait for it."""

import os
import threading
from datetime import datetime
from typing import Any
from weakref import WeakSet

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

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

    def get_modified_time(self, name: str) -> datetime:
        """When the object was written. Raises ``FileNotFoundError`` like other stores."""
        try:
            return super().get_modified_time(name)
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
