"""A real S3 server (moto) in a process of its own, and what lies in its bucket."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.installation import free_port, wait_until

BUCKET = "essays"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-north-1",
}


@dataclass(frozen=True)
class ObjectStore:
    """The server on ``port``."""

    port: int

    @property
    def client(self) -> Any:
        """A client of its own, without a proxy between."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="eu-north-1",
        )

    def list(self) -> "list[str]":
        """What lies in the bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        """One object's bytes."""
        found: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return found

    def put(self, key: str, data: bytes) -> None:
        """Put an object behind the application's back."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data)

    def delete(self, key: str) -> None:
        """Remove an object behind the application's back."""
        self.client.delete_object(Bucket=BUCKET, Key=key)


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A running server with an empty bucket."""
    found = ObjectStore(free_port())
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(found.port)]
    environment = {**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": "7"}  # several pages in every listing
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_until(lambda: is_there(found), 60, "the S3 server answers")
            yield found
        finally:
            server.kill()


def is_there(store: ObjectStore) -> bool:
    """True once the bucket is made."""
    try:
        where = {"LocationConstraint": "eu-north-1"}
        store.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    except Exception:
        return False
    return True


def storages_of(port: int) -> dict[str, Any]:
    """Settings for a store on ``port``: the server's, or a proxy's."""
    options = {"bucket_name": BUCKET, "endpoint_url": f"http://127.0.0.1:{port}", "file_overwrite": True}
    return {
        "default": {"BACKEND": "files.s3.ObjectStorage", "OPTIONS": {**options, "default_acl": None}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def sign_in(patch: pytest.MonkeyPatch) -> None:
    """Give this process the store's credentials."""
    for name, value in CREDENTIALS.items():
        patch.setenv(name, value)
