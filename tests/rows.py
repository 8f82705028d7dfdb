"""Batches, files and essays as rows, for tests of pages: no pipeline runs."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from batches.actions.registering import Registration, register
from batches.models import Batch
from essays.models import StepRun
from files import content
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.failures.errors import ErrorCode
from results.models import EssayResult

Finding = dict[str, Any]


def make_batch(owner: User, expected: int = 5, title: str = "", class_name: str = "") -> Batch:
    """A registered batch in English."""
    return register(
        owner, Registration(expected_essay_count=expected, title=title, class_name=class_name, language="en")
    )


def add_file(batch: Batch, status: str = "processing", **fields: Any) -> FileUpload:
    """A file in ``status``, with an error where one belongs; an assigned one needs its ``slot``."""
    upload = FileUpload(batch=batch, correlation_id=uuid4(), status=status, size=2048, content_hash="0" * 64)
    upload.filename = "essay.txt"
    if status in ("failed", "excess", "duplicate"):
        upload.error = make_detail(ErrorCode.EMPTY_CONTENT, "extract", upload.correlation_id).model_dump(
            mode="json"
        )
    for name, value in fields.items():
        setattr(upload, name, value)
    upload.save()
    return upload


def add_essay(batch: Batch, number: int, text: str, findings: list[Finding] | None = None) -> FileUpload:
    """Essay ``number`` with its text and result; ``findings`` None means that its spelling is not checked."""
    slot = batch.slots.get(number=number)
    stored = content.store_text(uuid4(), text)
    content.record(stored, batch.owner_id, batch.pk)
    slot.fill(stored.id)
    words = len(text.split())
    upload = add_file(
        batch,
        "assigned",
        slot=slot,
        filename=f"essay {number}.txt",
        format="txt",
        words=words,
        text_storage_id=stored.id,
    )
    result = EssayResult(
        slot=slot, batch=batch, file=upload, revision=slot.revision, text_storage_id=stored.id
    )
    result.words = words
    if findings is not None:
        record_findings(result, findings)
    result.save()
    return upload


def record_findings(result: EssayResult, findings: list[Finding]) -> None:
    """The result's spelling step as it would have succeeded."""
    density = 100 * len(findings) / (result.words or 1)
    result.phases = {"spellcheck": {"status": "succeeded", "findings": len(findings), "density": density}}
    StepRun.objects.create(
        slot_id=result.slot_id,
        phase="spellcheck",
        revision=result.revision,
        file_upload_id=result.file_id,
        correlation_id=result.batch.correlation_id,
        text_storage_id=result.text_storage_id,
        status=StepRun.Status.SUCCEEDED,
        language=result.batch.language,
        output={"findings": findings},
        ended_at=timezone.now(),
    )


def said_by(client: Client, address: str, said: Mapping[str, object]) -> tuple[HttpResponseBase, list[str]]:
    """Send a form in English; the answer, and what it alone makes the next page say."""
    client.cookies.pop(settings.MESSAGE_COOKIE_NAME, None)
    response = client.post(address, said, headers={"Accept-Language": "en"})
    return response, [f"{one.level_tag}: {one}" for one in get_messages(response.wsgi_request)]


def finding(text: str, word: str, *suggestions: str) -> Finding:
    """A finding on the first ``word`` of ``text``."""
    start = text.index(word)
    return {
        "start": start,
        "end": start + len(word),
        "word": word,
        "suggestions": list(suggestions),
        "kind": "spelling",
    }
