"""An archived batch is out of the way and whole; its teacher, or a file that she adds, brings it back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from batches.actions import archiving, binning
from batches.models import Batch
from files.actions import receiving, replacing
from files.actions.incoming import Incoming
from huleedu.failures.errors import Refused
from results.shapes import Snapshot
from tests.api import checked, client_of
from tests.pipeline import Pipeline
from tests.rows import make_batch, said_by

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """A completed batch of one of two places."""
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "1.txt")
    pipeline.run()
    return batch


def told(pipeline: Pipeline, batch: Batch) -> list[str]:
    """The events about the archive."""
    pipeline.run()
    return [kind for kind in pipeline.event_types(batch) if kind.endswith("rchived")]


def test_each_is_done_and_told_once(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    client = client_of(teacher)
    address = f"/v1/batches/{batch.pk}"
    first, again = (checked(Snapshot, client.post(f"{address}/archive")) for _ in range(2))
    assert first["archived_at"] and first["archived_at"] == again["archived_at"]
    assert first["version"] == again["version"]
    back, again = (checked(Snapshot, client.post(f"{address}/unarchive")) for _ in range(2))
    assert back["archived_at"] is again["archived_at"] is None
    assert told(pipeline, batch) == ["BatchArchived", "BatchUnarchived"]
    assert pipeline.events(batch, "BatchArchived")[0]["who"] == teacher.pk


def test_it_works_on_and_is_kept_no_longer(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    Batch.objects.update(ends_on=timezone.localdate() - timedelta(days=1))
    archiving.archive(batch.pk, teacher)
    assert client_of(teacher).post(f"/v1/batches/{batch.pk}/start").status_code == 200
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, bool(batch.archived_at)) == ("completed", True)
    assert binning.end_due(10) == 1
    with pytest.raises(Refused, match="BATCH_DELETED"):
        archiving.unarchive(batch.pk, teacher)
    restored = binning.restore(batch.pk, teacher)
    assert restored.archived_at is not None, "it comes back as it was"


def test_a_file_that_is_put_into_it_brings_it_back(
    pipeline: Pipeline, batch: Batch, teacher: User, make_essay: Essays
) -> None:
    archiving.archive(batch.pk, teacher)
    incoming = Incoming(ContentFile(make_essay(2)), "2.txt", upload_key="key")
    upload = receiving.receive(batch.pk, teacher, incoming, batch.correlation_id)
    assert told(pipeline, batch) == ["BatchArchived", "BatchUnarchived"]
    archiving.archive(batch.pk, teacher)
    repeat = Incoming(ContentFile(make_essay(2)), "2.txt", upload_key="key")
    receiving.receive(batch.pk, teacher, repeat, batch.correlation_id)
    assert Batch.objects.filter(archived_at=None).count() == 0, "nothing came"
    replacing.replace(upload, teacher, Incoming(ContentFile(make_essay(3)), "3.txt"))
    assert Batch.objects.filter(archived_at=None).count() == 1
    pipeline.run()
    types = pipeline.event_types(batch)
    assert types.index("BatchUnarchived") < len(types) - 1 - types[::-1].index("BatchFileAdded")


@pytest.mark.django_db
def test_a_refused_file_leaves_it_where_it_is(teacher: User) -> None:
    batch = make_batch(teacher)
    Batch.objects.update(status="cancelled")
    archiving.archive(batch.pk, teacher)
    with pytest.raises(Refused, match="BATCH_CLOSED"):
        receiving.receive(batch.pk, teacher, Incoming(ContentFile(b"x"), "x.txt"), batch.correlation_id)
    batch.refresh_from_db()
    assert batch.archived_at is not None


@pytest.mark.django_db
def test_pages_archive_and_bring_back(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    batch = make_batch(teacher)
    keeping = reverse("batch-keeping", args=[batch.pk])
    archive, bring_back = (reverse(f"batch-{name}", args=[batch.pk]) for name in ("archive", "unarchive"))
    assert f'action="{archive}"' in client.get(keeping).content.decode()
    answer, said = said_by(client, archive, {})
    assert (answer.headers["Location"], said) == ("/", ["success: The batch is archived."])
    assert f'action="{bring_back}"' in client.get("/").content.decode(), "beside what was done"
    assert f'action="{bring_back}"' not in client.get("/").content.decode(), "once"
    assert f'action="{bring_back}"' in client.get(keeping).content.decode()
    _, said = said_by(client, bring_back, {})
    assert said == ["success: The batch is back."]
    batch.refresh_from_db()
    assert batch.archived_at is None


@pytest.mark.django_db
def test_a_deleted_batch_is_brought_back_from_the_message(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    batch = make_batch(teacher)
    page = client.post(reverse("batch-delete", args=[batch.pk]), follow=True)
    assert page.redirect_chain[-1][0] == "/"
    assert f'action="{reverse("bin-restore", args=[batch.pk])}"' in page.content.decode()
    _, said = said_by(client, reverse("batch-delete", args=[batch.pk]), {})
    assert said == [], "a stranger's, or in the bin already"
