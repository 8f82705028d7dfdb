"""The support desk: somebody of the group, and a batch with a row of every kind."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch
from essays.actions import starting
from huleedu.accounts.authentication import make_token
from huleedu.accounts.life import create_account
from huleedu.models import DeadLetter, LoggedEvent, WorkItem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

FILE_NAME = "Astrid Lindqvist hemuppgift.txt"


@pytest.fixture
def support(transactional_db: None) -> User:
    """Somebody of the group ``support``."""
    return create_account("support", "helper", "correct horse battery")


@pytest.fixture
def desk(support: User, client: Client) -> Client:
    """Her browser, signed in."""
    client.force_login(support)
    return client


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    """A finished batch with one essay that has findings, one failed file, and a row of every kind."""
    batch = pipeline.register(teacher, 2, partial_batch_threshold=0.5)
    essay = essay_bytes(1) + b" They recieve a strangge secrett."
    pipeline.upload(batch, essay, FILE_NAME)
    pipeline.upload(batch, b"", "empty " + FILE_NAME)
    pipeline.run()
    starting.start(batch.pk, teacher)
    pipeline.run()
    pipeline.upload(pipeline.register(teacher, 1), essay_bytes(7), FILE_NAME)
    make_token(teacher, "script")
    upload = batch.files.earliest("created_at")
    DeadLetter.objects.create(
        kind="event",
        event_type="BatchFileAdded",
        event_id="0" * 64,
        batch_id=batch.pk,
        file_upload_id=upload.pk,
        correlation_id=upload.correlation_id,
        envelope=LoggedEvent.objects.filter(event_type="BatchFileAdded").latest("id").envelope,
        consumer="relay",
        attempts=4,
        first_error="ValueError",
        last_error="ValueError",
        first_failed_at=upload.created_at,
    )
    WorkItem.objects.create(
        step="extract",
        subject_id=upload.pk,
        revision=99,
        batch_id=batch.pk,
        owner_id=teacher.pk,
        file_upload_id=upload.pk,
        correlation_id=upload.correlation_id,
        priority="LOW",
        rank=1,
    )
    return batch
