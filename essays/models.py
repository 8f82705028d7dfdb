"""Runs of processing steps on essays."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from batches.models import Batch, EssaySlot
from files.models import FileUpload
from huleedu.failures.states import check_transition

# One statement, which ``ALLOWED`` allows.
BEGIN = """
UPDATE essays_steprun AS run SET status = 'running', started_at = %s FROM batches_essayslot AS slot
WHERE run.slot_id = %s AND run.phase = %s AND run.revision = %s AND run.status IN ('awaiting', 'running')
  AND slot.id = run.slot_id AND slot.revision = run.revision
RETURNING run.*
"""

MAX_WORD = 200  # characters
MAX_NOTE = 10_000  # characters


class StepRun(models.Model):
    """One step on one revision of one essay. A repeat is a new row, so a failed one is left properly."""

    class Status(models.TextChoices):
        AWAITING = "awaiting", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")

    personal: ClassVar[dict[str, Any]] = {"output": None, "error": None}
    harmless: ClassVar = frozenset({"phase", "language", "status", "engine"})

    ENDED = frozenset({Status.SUCCEEDED, Status.FAILED})
    ALLOWED: dict[str, frozenset[str]] = {
        Status.AWAITING: frozenset({Status.RUNNING, Status.FAILED}),
        Status.RUNNING: frozenset({Status.RUNNING, Status.SUCCEEDED, Status.FAILED}),
        Status.SUCCEEDED: frozenset(),
        Status.FAILED: frozenset(),
    }

    slot = models.ForeignKey(EssaySlot, on_delete=models.CASCADE, related_name="step_runs")
    phase = models.CharField(max_length=40)
    revision = models.PositiveIntegerField()
    file_upload_id = models.UUIDField(db_index=True)
    correlation_id = models.UUIDField()
    text_storage_id = models.UUIDField()
    language = models.CharField(
        max_length=8, blank=True, default="", db_default="", help_text=_("That the text is taken to be in")
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.AWAITING)
    engine = models.CharField(max_length=120, blank=True, default="")
    output = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("step run")
        verbose_name_plural = _("step runs")
        constraints = [
            models.UniqueConstraint(fields=["slot", "phase", "revision"], name="step_once_per_revision"),
            models.CheckConstraint(
                condition=models.Q(status__in=["succeeded", "failed"], ended_at__isnull=False)
                | (~models.Q(status__in=["succeeded", "failed"]) & models.Q(ended_at__isnull=True)),
                name="step_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phase} {self.slot_id} r{self.revision}"

    @property
    def duration_ms(self) -> int:
        """Milliseconds the step ran; 0 before it has ended."""
        if self.started_at is None or self.ended_at is None:
            return 0
        return round((self.ended_at - self.started_at).total_seconds() * 1000)

    def move_to(self, status: str, **fields: Any) -> None:
        """Change status and ``fields`` in one save, or raise ``InvalidTransition``."""
        check_transition(self.ALLOWED, f"{self.phase} of essay {self.slot_id}", self.status, status)
        changes = {**fields, "status": status}
        for name, value in changes.items():
            setattr(self, name, value)
        self.save(update_fields=list(changes))

    @classmethod
    def begin(cls, slot_id: UUID, phase: str, revision: int) -> "StepRun | None":
        """A worker has it: the run, or None when it has ended or its text is no more the present one."""
        return next(iter(cls.objects.raw(BEGIN, [timezone.now(), slot_id, phase, revision])), None)

    def succeed(self, engine: str, output: dict[str, Any]) -> None:
        """The step's value is here."""
        self.move_to(self.Status.SUCCEEDED, engine=engine[:120], output=output, ended_at=timezone.now())

    def fail(self, error: dict[str, Any]) -> None:
        """The step cannot be done on this text."""
        self.move_to(self.Status.FAILED, error=error, ended_at=timezone.now())


class AcceptedWord(models.Model):
    """A word that its teacher says is no error: in one essay, in all of a batch, or always."""

    class Scope(models.TextChoices):
        ESSAY = "essay", _("In this essay")
        BATCH = "batch", _("In this batch")
        ALWAYS = "always", _("Always")

    personal: ClassVar[dict[str, Any]] = {"word": "", "folded": ""}

    # One of the three, which is its scope and with which it goes.
    file = models.ForeignKey(
        FileUpload, null=True, blank=True, on_delete=models.CASCADE, related_name="accepted_words"
    )
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.CASCADE, related_name="accepted_words"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="accepted_words",
    )
    word = models.CharField(max_length=MAX_WORD)
    # A letter may become three.
    folded = models.CharField(max_length=3 * MAX_WORD, help_text=_("As it is compared"))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("accepted word")
        verbose_name_plural = _("accepted words")
        constraints = [
            models.UniqueConstraint(fields=["file", "folded"], name="accepted_once_in_essay"),
            models.UniqueConstraint(fields=["batch", "folded"], name="accepted_once_in_batch"),
            models.UniqueConstraint(fields=["owner", "folded"], name="accepted_once_always"),
            models.CheckConstraint(
                condition=models.Q(file__isnull=False, batch__isnull=True, owner__isnull=True)
                | models.Q(file__isnull=True, batch__isnull=False, owner__isnull=True)
                | models.Q(file__isnull=True, batch__isnull=True, owner__isnull=False),
                name="accepted_in_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)  # never the word: it may be a pupil's name


class EssayNote(models.Model):
    """What a teacher keeps of one file's essay for herself: that she has read it, and a note.

    ``version`` counts the changes of the note's text, ``revision`` all of them.
    """

    # Of the bytes that she has read: other ones in their place are not read.
    personal: ClassVar[dict[str, Any]] = {"text": "", "read_hash": ""}

    file = models.OneToOneField(
        FileUpload, on_delete=models.CASCADE, primary_key=True, related_name="essay_note"
    )
    text = models.TextField(blank=True, default="", max_length=MAX_NOTE)
    version = models.PositiveIntegerField(default=0)
    read_hash = models.CharField(max_length=64, blank=True, default="")
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("note on an essay")
        verbose_name_plural = _("notes on essays")

    def __str__(self) -> str:
        return str(self.pk)  # never its text
