"""What the teacher reads: results per essay and per batch, aggregated from events."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from batches.models import Batch, EssaySlot
from files.models import FileUpload


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
