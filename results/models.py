"""What the teacher reads: results per essay and per batch, aggregated from events."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from batches.models import Batch, EssaySlot
from files.models import FileUpload
from huleedu.erasure import erased_if_gone
from huleedu.failures.states import check_transition, known


class EssayResult(models.Model):
    """One essay's result so far. ``revision`` is the slot's; older news is ignored."""

    personal: ClassVar[dict[str, Any]] = {"phases": {}}
    harmless: ClassVar = frozenset[str]()

    slot = models.OneToOneField(EssaySlot, on_delete=models.CASCADE, primary_key=True, related_name="result")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="essay_results")
    file = models.ForeignKey(FileUpload, on_delete=models.CASCADE, related_name="results")
    revision = models.PositiveIntegerField()
    text_storage_id = models.UUIDField()
    words = models.PositiveIntegerField(null=True, blank=True)
    characters = models.PositiveIntegerField(null=True, blank=True)
    # Per phase: {"status", "error", "duration_ms", "engine", and the phase's figures}.
    phases = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("essay result")
        verbose_name_plural = _("essay results")

    def __str__(self) -> str:
        return str(self.slot_id)


class BatchResult(models.Model):
    """How one run of a batch ended."""

    harmless: ClassVar = frozenset({"status", "phases"})

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="results")
    run = models.PositiveIntegerField()
    status = models.CharField(max_length=24, db_index=True, choices=Batch.Status.choices)
    essays = models.PositiveSmallIntegerField()
    succeeded = models.PositiveSmallIntegerField()
    failed = models.PositiveSmallIntegerField()
    duration_seconds = models.FloatField()
    phases = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("batch result")
        verbose_name_plural = _("batch results")
        constraints = [models.UniqueConstraint(fields=["batch", "run"], name="batch_result_once_per_run")]

    def __str__(self) -> str:
        return f"{self.batch_id} r{self.run}"


class ExportQuerySet(models.QuerySet["Export"]):
    """Lookups; everything a person may see goes through ``owned_by``."""

    def owned_by(self, user: User) -> "ExportQuerySet":
        """The exports of one teacher's batches, those in the bin left out."""
        return self.filter(batch__owner_id=user.pk, batch__binned_at=None)

    def open(self) -> "ExportQuerySet":
        """Those that are being made, or wait for it."""
        return self.filter(status__in=Export.OPEN)

    def locked(self, export_id: UUID) -> "Export":
        """The export and its batch, the batch locked first. Raises ``Refused`` when it has been erased."""
        with erased_if_gone():
            batch = Batch.objects.locked(self.get(pk=export_id).batch_id)
            export = self.select_for_update(no_key=True).get(pk=export_id)
        export.batch = batch
        return export


class Export(models.Model):
    """Something of a batch to be handed back: asked for, made by a worker, kept for some days.

    It is its batch's owner's, whoever asked for it.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Could not be made")
        CANCELLED = "cancelled", _("Cancelled")
        ENDED = "ended", _("No longer kept")

    personal: ClassVar[dict[str, Any]] = {"left_out": []}
    harmless: ClassVar = frozenset({"kind", "language", "options", "status", "error_code"})

    OPEN = frozenset({Status.QUEUED, Status.RUNNING})
    ALLOWED: dict[str, frozenset[str]] = {
        Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
        Status.RUNNING: frozenset(
            {Status.RUNNING, Status.READY, Status.FAILED, Status.CANCELLED, Status.QUEUED}
        ),
        Status.READY: frozenset({Status.ENDED}),
        Status.FAILED: frozenset({Status.QUEUED, Status.ENDED}),
        Status.CANCELLED: frozenset({Status.QUEUED, Status.ENDED}),
        Status.ENDED: frozenset({Status.QUEUED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="exports")
    kind = models.CharField(max_length=20)
    language = models.CharField(max_length=2, choices=Batch.Language.choices)
    options = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveIntegerField(default=0, help_text=_("Counts how often it was asked for anew"))
    done = models.PositiveSmallIntegerField(default=0, help_text=_("Essays"))
    total = models.PositiveSmallIntegerField(default=0, help_text=_("Essays"))
    storage_id = models.UUIDField(null=True, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True, default="")
    # What could not be done for an essay: [{"essay": its number, "code"}], and "signs" of its text, which go
    # with the bytes.
    left_out = models.JSONField(default=list)
    correlation_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(help_text=_("Until then it is kept"))

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes = [
            models.Index(fields=["batch", "-created_at"], name="export_of_batch"),
            models.Index(fields=["ends_at"], name="export_end"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "kind", "language", "options"],
                condition=models.Q(status__in=["queued", "running"]),
                name="export_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="ready") | models.Q(storage_id__isnull=False),
                name="export_ready_has_content",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def content_id(self) -> UUID:
        """Its stored bytes. Raises ``LookupError`` unless it is ready."""
        return known(self.storage_id)

    def has_ended(self, now: datetime) -> bool:
        """Whether it was kept until now and is not any more."""
        return self.status == self.Status.ENDED or (self.status == self.Status.READY and self.ends_at <= now)

    def move_to(self, status: str, **fields: Any) -> None:
        """Change status and ``fields`` in one save, or raise ``InvalidTransition``; the row is locked."""
        check_transition(self.ALLOWED, f"export {self.pk}", self.status, status)
        changes = {**fields, "status": status}
        for name, value in changes.items():
            setattr(self, name, value)
        self.save(update_fields=list(changes))
