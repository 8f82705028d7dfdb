"""Batches, their essay slots and the phases that run over them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from batches.configuration import Configuration
from huleedu.erasure import erased_if_gone
from huleedu.failures.states import check_transition, known
from huleedu.folding import Folded
from huleedu.postgres.held import held
from huleedu.postgres.kept import ONE, Kept

MAX_ESSAYS = 200


class BatchQuerySet(models.QuerySet["Batch"]):
    """Lookups; everything a person may see goes through ``owned_by``."""

    def owned_by(self, user: User) -> "BatchQuerySet":
        """The batches of one teacher, those in the bin left out."""
        return self.filter(owner_id=user.pk, binned_at=None)

    def binned_by(self, user: User) -> "BatchQuerySet":
        """What lies in one teacher's bin."""
        return self.filter(owner_id=user.pk, binned_at__isnull=False)

    def still_there(self, batch_id: UUID) -> "Batch":
        """The batch as it is now, not locked. Raises ``Refused`` when it has been erased."""
        with erased_if_gone():
            return self.get(pk=batch_id)

    def locked(self, batch_id: UUID) -> "Batch":
        """The batch, locked until the transaction ends. Raises ``Refused`` when it has been erased."""
        with erased_if_gone():
            return held(batch_id, lambda: LOCKED.get(batch_id))


def takes_files(status: str) -> bool:
    """Whether a file may be added to a batch: one without a free place for it is kept, and says so."""
    return status != Batch.Status.CANCELLED


class Batch(Folded):
    """One assignment's pile of essays, owned by one teacher."""

    class Status(models.TextChoices):
        AWAITING_CONTENT = "awaiting_content", _("Waiting for essays")
        READY = "ready", _("Ready to start")
        PROCESSING = "processing", _("Being processed")
        COMPLETED = "completed", _("Completed")
        COMPLETED_WITH_FAILURES = "completed_with_failures", _("Completed, some need attention")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Language(models.TextChoices):
        SWEDISH = "sv", _("Swedish")
        ENGLISH = "en", _("English")

    personal: ClassVar[dict[str, Any]] = {"title": "", "class_name": "", "assignment": "", "folded": ""}
    harmless: ClassVar = frozenset({"language", "configuration", "status"})

    searched_in = ("title", "class_name")
    CLOSED = frozenset({Status.COMPLETED, Status.COMPLETED_WITH_FAILURES, Status.FAILED, Status.CANCELLED})
    OPEN = frozenset(Status) - CLOSED
    ALLOWED: dict[str, frozenset[str]] = {
        Status.AWAITING_CONTENT: frozenset({Status.READY, Status.CANCELLED}),
        Status.READY: frozenset({Status.PROCESSING, Status.CANCELLED, Status.AWAITING_CONTENT}),
        Status.PROCESSING: frozenset(
            {Status.COMPLETED, Status.COMPLETED_WITH_FAILURES, Status.FAILED, Status.CANCELLED}
        ),
        Status.COMPLETED: frozenset({Status.PROCESSING}),
        Status.COMPLETED_WITH_FAILURES: frozenset({Status.PROCESSING}),
        Status.FAILED: frozenset({Status.PROCESSING}),
        Status.CANCELLED: frozenset({Status.AWAITING_CONTENT, Status.PROCESSING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches")
    correlation_id = models.UUIDField(default=uuid4, db_index=True)
    title = models.CharField(max_length=200, blank=True)
    class_name = models.CharField(max_length=80, blank=True)
    language = models.CharField(
        max_length=2,
        choices=Language.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("The teacher's choice, or found from the first essays; empty until then"),
    )
    language_chosen = models.BooleanField(
        default=False, db_default=False, help_text=_("The teacher chose the language")
    )
    assignment = models.TextField(blank=True)
    expected_essay_count = models.PositiveSmallIntegerField()
    configuration = models.JSONField()
    status = models.CharField(max_length=24, choices=Status.choices, default=Status.AWAITING_CONTENT)
    deadline = models.DateTimeField()
    timed_out_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the deadline passed with essays missing")
    )
    run = models.PositiveIntegerField(default=0, help_text=_("Counts readiness and deliberate repeats"))
    version = models.PositiveIntegerField(default=0, help_text=_("Counts the teacher's decisions"))
    ends_on = models.DateField(
        null=True, blank=True, help_text=_("The last day on which it is kept; empty: as long as wanted")
    )
    binned_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when it lies in the bin"))
    archived_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when it is archived"))
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="batch_overview")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expected_essay_count__gte=1, expected_essay_count__lte=MAX_ESSAYS),
                name="batch_expects_1_to_200",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)  # never its title: what has a name leaves it in logs and records

    @property
    def settings(self) -> Configuration:
        """The processing configuration, typed."""
        return Configuration.model_validate(self.configuration)

    @property
    def is_closed(self) -> bool:
        """True when the batch has ended; what a completed one still allows: docs/adr/0008."""
        return self.status in self.CLOSED

    def move_to(self, status: str) -> None:
        """Change the status or raise ``InvalidTransition``; the caller holds the row lock."""
        check_transition(self.ALLOWED, f"batch {self.pk}", self.status, status)
        self.status = status
        self.save(update_fields=["status"])

    def make_ready(self) -> None:
        """All expected slots are filled, or can no longer be."""
        self.run += 1
        self.move_to(self.Status.READY)
        self.save(update_fields=["run"])

    def begin(self) -> None:
        """Processing starts."""
        self.started_at = self.started_at or timezone.now()
        self.completed_at = None
        self.move_to(self.Status.PROCESSING)
        self.save(update_fields=["started_at", "completed_at"])

    def reopen(self) -> None:
        """A deliberate repeat after completion."""
        self.run += 1
        self.begin()
        self.save(update_fields=["run"])

    def wait_again(self) -> None:
        """A cancelled batch that had not begun collects its essays again."""
        self.completed_at = None
        self.move_to(self.Status.AWAITING_CONTENT)
        self.save(update_fields=["completed_at"])

    def complete(self, status: str) -> None:
        """Processing ended as ``status``."""
        self.completed_at = timezone.now()
        self.move_to(status)
        self.save(update_fields=["completed_at"])

    def change(self, **fields: Any) -> None:
        """A teacher's decision: set ``fields`` and count it."""
        self.version += 1
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=["version", *fields])

    def find_language(self, language: str) -> None:
        """The essays show the language that nobody chose."""
        self.language = language
        self.save(update_fields=["language"])

    def note_timeout(self, at: datetime) -> None:
        """The readiness deadline passed."""
        self.timed_out_at = at
        self.save(update_fields=["timed_out_at"])


class EssaySlot(models.Model):
    """A numbered place for one essay, made at registration before any file exists."""

    harmless: ClassVar = frozenset({"status"})

    class Status(models.TextChoices):
        AWAITING_CONTENT = "awaiting_content", _("No essay yet")
        READY = "ready", _("Ready")
        PROCESSING = "processing", _("Being processed")
        COMPLETED = "completed", _("Done")
        FAILED = "failed", _("Needs attention")

    ALLOWED: dict[str, frozenset[str]] = {
        Status.AWAITING_CONTENT: frozenset({Status.READY}),
        Status.READY: frozenset({Status.PROCESSING, Status.COMPLETED, Status.READY, Status.AWAITING_CONTENT}),
        Status.PROCESSING: frozenset(
            {Status.COMPLETED, Status.FAILED, Status.READY, Status.AWAITING_CONTENT}
        ),
        Status.COMPLETED: frozenset({Status.PROCESSING, Status.READY, Status.AWAITING_CONTENT}),
        Status.FAILED: frozenset({Status.PROCESSING, Status.READY, Status.AWAITING_CONTENT}),
    }

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.AWAITING_CONTENT)
    text_storage_id = models.UUIDField(null=True, blank=True)
    revision = models.PositiveIntegerField(
        default=0, help_text=_("Counts contents and deliberate repeats of steps")
    )

    class Meta:
        verbose_name = _("essay slot")
        verbose_name_plural = _("essay slots")
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="slot_number_once"),
            models.CheckConstraint(
                condition=models.Q(status="awaiting_content", text_storage_id__isnull=True)
                | (~models.Q(status="awaiting_content") & models.Q(text_storage_id__isnull=False)),
                name="slot_text_when_filled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"

    def move_to(self, status: str) -> None:
        """Change the status or raise ``InvalidTransition``; the caller holds the batch lock."""
        if status != self.status:
            check_transition(self.ALLOWED, f"essay {self.pk}", self.status, status)
        self.status = status
        self.save(update_fields=["status", "text_storage_id", "revision"])

    @property
    def text_id(self) -> UUID:
        """The text the slot holds. Raises ``LookupError`` for an open slot."""
        return known(self.text_storage_id)

    def fill(self, text_storage_id: UUID) -> None:
        """Give the slot a text; a new text is a new revision."""
        self.text_storage_id = text_storage_id
        self.revision += 1
        self.move_to(self.Status.READY)

    def repeat(self) -> None:
        """A step is run again on the same text."""
        self.revision += 1
        self.move_to(self.Status.READY)

    def release(self) -> None:
        """Open the slot again."""
        self.text_storage_id = None
        self.revision += 1
        self.move_to(self.Status.AWAITING_CONTENT)


class BatchPhase(models.Model):
    """One phase of one run over a batch; it concludes once. ``output`` is of one on the whole batch."""

    personal: ClassVar[dict[str, Any]] = {"output": None, "error": None}
    harmless: ClassVar = frozenset({"phase", "status", "engine"})

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="phases")
    phase = models.CharField(max_length=40)
    run = models.PositiveIntegerField()
    status = models.CharField(max_length=24, default="running")
    succeeded = models.PositiveSmallIntegerField(null=True, blank=True)
    failed = models.PositiveSmallIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    concluded_at = models.DateTimeField(null=True, blank=True)
    engine = models.CharField(max_length=120, blank=True, default="", db_default="")
    output = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "phase", "run"], name="phase_once_per_run")]

    def __str__(self) -> str:
        return f"{self.phase} of {self.batch_id}, run {self.run}"

    @property
    def duration_ms(self) -> int:
        """Milliseconds from start to conclusion, or to now."""
        end = self.concluded_at or timezone.now()
        return round((end - self.started_at).total_seconds() * 1000)

    @property
    def essays(self) -> int:
        """How many essays it was about, 0 before it has concluded."""
        return (self.succeeded or 0) + (self.failed or 0)

    def conclude(self, status: str, succeeded: int, failed: int, **found: Any) -> None:
        """Record the counts, and what was ``found`` of the whole batch; called once, under the batch lock."""
        changes = {**found, "status": status, "succeeded": succeeded, "failed": failed}
        for name, value in {**changes, "concluded_at": timezone.now()}.items():
            setattr(self, name, value)
        self.save(update_fields=[*changes, "concluded_at"])


LOCKED = Kept(lambda pk: Batch.objects.filter(pk=pk).select_for_update(no_key=True), ONE)
