"""Starting with the essays that are here."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch
from tests.pipeline import Pipeline
from tests.rows import make_batch, said_by


def start(client: Client, batch: Batch) -> list[str]:
    response, said = said_by(client, f"/batches/{batch.pk}/actions/start/", {})
    assert response.status_code == 303
    return said


@pytest.mark.django_db
def test_nothing_to_start_with_is_said(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    batch = make_batch(teacher)
    assert start(client, batch) == ["error: No essay is ready yet. Add files, or wait until they are read."]


def test_start_goes_on_with_what_is_here(
    pipeline: Pipeline, client: Client, teacher: User, make_essay: Callable[[int], bytes]
) -> None:
    batch = pipeline.register(teacher, 3)
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    client.force_login(teacher)
    assert start(client, batch) == ["success: The batch has started."]
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
