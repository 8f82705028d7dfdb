"""What tests of exports share: asking for one, having it made, reading its file."""

from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch
from results.actions import exporting
from results.actions.exporting import ordered
from results.models import Export
from tests.pipeline import Pipeline


def ask(batch: Batch, kind: str = "csv", language: str = "en", *, with_note: bool = False) -> Export:
    """An export that waits."""
    return exporting.ask(batch.pk, ordered(kind, language, with_note=with_note), uuid4())[0]


def made(
    pipeline: Pipeline, batch: Batch, kind: str = "csv", language: str = "en", *, with_note: bool = False
) -> Export:
    """An export as workers leave it."""
    export = ask(batch, kind, language, with_note=with_note)
    pipeline.run()
    export.refresh_from_db()
    return export


def file_of(export: Export, owner: User) -> bytes:
    """The file, as its owner's browser gets it."""
    client = Client()
    client.force_login(owner)
    response: Any = client.get(f"/exports/{export.pk}/")
    assert response.status_code == 200, response
    return b"".join(response.streaming_content)
