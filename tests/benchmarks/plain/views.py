"""The addresses of the plain project: register a batch, upload files, ask whether it is complete."""

import json
import os
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django_q.tasks import async_task

from tests.benchmarks.plain.models import Batch, Upload


def ready(request: HttpRequest) -> JsonResponse:
    """The server answers."""
    return JsonResponse({})


def register(request: HttpRequest) -> JsonResponse:
    """A new batch."""
    batch = Batch.objects.create(expected=json.loads(request.body)["expected_essay_count"])
    return JsonResponse({"batch_id": str(batch.pk)}, status=201)


def upload(request: HttpRequest) -> JsonResponse:
    """Bytes first, then row and task together."""
    files = []
    for file in request.FILES.getlist("files"):
        kept = keep(file.read())
        with transaction.atomic():
            row = Upload.objects.create(batch_id=int(request.POST["batch_id"]), name=file.name, path=kept)
            async_task("tests.benchmarks.plain.tasks.process", row.pk)
        files.append({"file_upload_id": str(row.pk)})
    return JsonResponse({"files": files}, status=201)


def keep(data: bytes) -> str:
    """Write and flush a file, and its folder's entry of it; the name it got."""
    kept = Path(settings.MEDIA_ROOT) / uuid4().hex
    with kept.open("xb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    folder = os.open(kept.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return str(kept)


def status(request: HttpRequest, batch_id: int) -> JsonResponse:
    """Whether all that is expected is done."""
    done = Upload.objects.filter(batch_id=batch_id, done=True).count()
    complete = done >= Batch.objects.get(pk=batch_id).expected
    return JsonResponse({"status": "completed" if complete else "processing"})


urlpatterns = [
    path("readyz", ready),
    path("v1/batches/register", register),
    path("v1/files/batch", upload),
    path("v1/batches/<int:batch_id>/status", status),
]
