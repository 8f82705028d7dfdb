"""An S3-compatible store that is not waited for longer than somebody would wait, nor believed blindly."""

import hashlib
import os
import threading
from datetime import datetime
from typing import Any
from weakref import WeakSet

from botocore.config import Config
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from files.s3_answers import BoundedSession, check_answer, told
from files.store import UNKNOWN_SIZE, StoreAway, read_up_to

CONNECT_SECONDS = 2
READ_SECONDS = 2  # without a byte
ATTEMPTS = 2
CONNECTIONS = 16  # as many as there are threads that call the store


MADE: "WeakSet[ObjectStorage]" = WeakSet()


class ObjectFile(File[bytes]):
    """An object as it comes, to be read once from its beginning; its ``size`` may be ``UNKNOWN_SIZE``."""

    def __init__(self, body: Any, name: str, size: int | None) -> None:
        super().__init__(body, name)
        self._raw, self._left = body._raw_stream, size
        self.size = UNKNOWN_SIZE if size is None else size

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, those that have come; empty at the end.

        Raises ``StoreAway`` for what breaks off before.
        """
        with told(str(self.name)):
            # Not botocore's own: it waits for all of them, however slowly they come.
            found: bytes = self._raw.read1(size if size >= 0 else None)
        if self._left is not None:
            self._left -= len(found)
            if self._left > 0 and not found and size:
                raise StoreAway("broken off")
        return found


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
        return {**found, "client_config": client}

    @property
    def connection(self) -> Any:
        """The calling thread's, made one after the other: at once, each would read the same files."""
        with self._making:
            found = super().connection
            endpoint = found.meta.client._endpoint
            if not isinstance(endpoint.http_session, BoundedSession):
                endpoint.http_session = BoundedSession(endpoint.http_session)
                found.meta.client.meta.events.register("before-parse.s3", check_answer)
            return found

    def _create_session(self) -> Any:
        if self._session is None:
            self._session = super()._create_session()
        return self._session

    def _key(self, name: str) -> str:
        return self._normalize_name(clean_name(name))

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """The object as it comes, to be read once from its beginning. Raises ``FileNotFoundError``.

        One request, where django-storages asks twice for the size first.
        """
        with told(name):
            answer = self.bucket.Object(self._key(name)).get()
            return ObjectFile(answer["Body"], name, answer.get("ContentLength"))

    def _save(self, name: str, content: "File[bytes]") -> str:
        """Put the object in one request: in pieces, an upload that breaks off leaves pieces that nobody sees.

        Nothing counts as stored but what the store shows to have: its MD5, or else the object itself.
        """
        digest, size = hashlib.md5(usedforsecurity=False), 0
        content.seek(0)
        for chunk in content.chunks():
            digest.update(chunk)
            size += len(chunk)
        content.seek(0)
        with told(name):
            answer = self.bucket.Object(self._key(name)).put(Body=content, **self._get_write_parameters(name))
            tag = str(answer["ETag"])
        if tag.removeprefix("W/").strip('"').lower() != digest.hexdigest():
            self._check_saved(name, digest.digest(), size)
        return name

    def _check_saved(self, name: str, digest: bytes, size: int) -> None:
        """Read the object back, as where its tag is not its MD5 (encryption). Raises ``StoreAway``."""
        try:
            with self._open(name) as file:
                data = read_up_to(file, size + 1)
        except FileNotFoundError as error:
            raise StoreAway("what was put is not there") from error
        if hashlib.md5(data, usedforsecurity=False).digest() != digest:
            raise StoreAway("what was put is not what is there")

    def delete(self, name: str) -> None:
        """Delete the object, if it is there."""
        with told(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        """Whether the object is there."""
        with told(name):
            return super().exists(name)

    def size(self, name: str) -> int:
        """The object's size in bytes. Raises ``FileNotFoundError``."""
        with told(name):
            return super().size(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The folders and the files in ``path``."""
        with told(path):
            return super().listdir(path)

    def listed_size(self, name: str) -> int | None:
        """The object's size in bytes as the store lists it; None when it lists none of that name."""
        key = self._key(name)
        with told(name):
            client = self.connection.meta.client
            answer = client.list_objects(Bucket=self.bucket_name, Prefix=key, MaxKeys=1)
            sizes = [int(entry["Size"]) for entry in answer.get("Contents", ()) if entry["Key"] == key]
        return sizes[0] if sizes else None

    def get_modified_time(self, name: str) -> datetime:
        """When the object was written. Raises ``FileNotFoundError``."""
        with told(name):
            return super().get_modified_time(name)


def begin_anew() -> None:
    """In a child: two processes on one connection would read each other's answers, and nobody gives its
    parent's lock back."""
    ObjectStorage._making = threading.Lock()
    for storage in list(MADE):
        storage.forget()


os.register_at_fork(after_in_child=begin_anew)
