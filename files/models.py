"""Uploaded files and stored content."""

from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from batches.models import Batch, EssaySlot
from huleedu.erasure import erased_if_gone
from huleedu.failures.states import check_transition, known
from huleedu.folding import Folded
from huleedu.postgres.held import changed, held
from huleedu.postgres.kept import ONE, Kept


class StoredContentQuerySet(models.QuerySet["StoredContent"]):
    """Lookups; everything a person may see goes through ``owned_by``."""

    def owned_by(self, user: User) -> "StoredContentQuerySet":
        """The contents of one teacher; exports have addresses of their own, which end."""
        kept = self.exclude(kind=StoredContent.Kind.MADE)
        return kept.filter(Q(batch=None) | Q(batch__binned_at=None), owner_id=user.pk)


class StoredContent(models.Model):
    """Immutable bytes in the content store."""

    harmless: ClassVar = frozenset({"kind"})
    # Known bytes can be recognised by them; the row goes with them.
    personal: ClassVar[dict[str, Any]] = {"sha256": "", "phrases": b""}

    class Kind(models.TextChoices):
        RAW = "raw", _("original")
        TEXT = "text", _("text")
        MADE = "made", _("export")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, blank=True)
    sha256 = models.CharField(max_length=64)
    phrases = models.BinaryField(
        default=b"", db_default=b"", help_text=_("Of a text: a sample of its phrases, to know ones like it")
    )
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    damaged_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was found missing or changed, while it is")
    )

    objects = StoredContentQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored content")
        verbose_name_plural = _("stored contents")
        indexes = [
            models.Index(
                fields=["kind"], name="content_damaged", condition=models.Q(damaged_at__isnull=False)
            ),
            models.Index(
                fields=["created_at"], name="content_without_batch", condition=models.Q(batch__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class FileUploadQuerySet(models.QuerySet["FileUpload"]):
    """Lookups; everything a person may see goes through ``owned_by``."""

    def owned_by(self, user: User) -> "FileUploadQuerySet":
        """The files in one teacher's batches."""
        return self.filter(batch__owner_id=user.pk, batch__binned_at=None)

    def present(self) -> "FileUploadQuerySet":
        """Files the teacher has not removed."""
        return self.exclude(status=FileUpload.Status.REMOVED)

    def locked(self, file_upload_id: UUID) -> "FileUpload":
        """The file and its batch, the batch locked first. Raises ``Refused`` when it has been erased."""
        return held(file_upload_id, lambda: locked_with_batch(file_upload_id))


class FileUpload(Folded):
    """One uploaded file. Its id travels with every event, log line and result about it."""

    personal: ClassVar[dict[str, Any]] = {
        "client_ref": None,
        "filename": "",
        "folder": "",
        "folded": "",
        "content_hash": "",
        "error": None,
    }
    # The key is a digest of the client's (``huleedu.api.idempotency``).
    harmless: ClassVar = frozenset(
        {"upload_key", "format", "language", "chosen_language", "engine", "status"}
    )

    class Status(models.TextChoices):
        PROCESSING = "processing", _("Reading")
        ASSIGNED = "assigned", _("Ready")
        FAILED = "failed", _("Needs attention")
        EXCESS = "excess", _("No place left")
        DUPLICATE = "duplicate", _("Already here")
        REMOVED = "removed", _("Removed")

    searched_in = ("filename", "folder")
    NEEDS_ATTENTION = (Status.FAILED, Status.EXCESS, Status.DUPLICATE)
    # As lists of files have them: what waits for the teacher, what is being read, then the essays.
    ORDER = (*NEEDS_ATTENTION, Status.PROCESSING, Status.ASSIGNED)
    ALLOWED: dict[str, frozenset[str]] = {
        Status.PROCESSING: frozenset(
            {
                Status.ASSIGNED,
                Status.FAILED,
                Status.EXCESS,
                Status.DUPLICATE,
                Status.REMOVED,
                Status.PROCESSING,
            }
        ),
        Status.ASSIGNED: frozenset({Status.PROCESSING, Status.REMOVED, Status.ASSIGNED}),
        Status.FAILED: frozenset({Status.PROCESSING, Status.REMOVED}),
        Status.EXCESS: frozenset({Status.ASSIGNED, Status.DUPLICATE, Status.PROCESSING, Status.REMOVED}),
        Status.DUPLICATE: frozenset({Status.ASSIGNED, Status.EXCESS, Status.PROCESSING, Status.REMOVED}),
        Status.REMOVED: frozenset({Status.PROCESSING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="files")
    slot = models.OneToOneField(
        EssaySlot, on_delete=models.SET_NULL, null=True, blank=True, related_name="file"
    )
    upload_key = models.CharField(
        max_length=300, null=True, blank=True, help_text=_("Client's key, for repeats")
    )
    client_ref = models.CharField(max_length=200, null=True, blank=True)
    correlation_id = models.UUIDField(db_index=True)
    filename = models.CharField(max_length=150)
    folder = models.CharField(max_length=255, blank=True, default="", db_default="")
    size = models.PositiveBigIntegerField()
    content_hash = models.CharField(max_length=64)
    raw_storage_id = models.UUIDField(null=True, blank=True)
    text_storage_id = models.UUIDField(null=True, blank=True)
    format = models.CharField(max_length=10, null=True, blank=True)
    words = models.PositiveIntegerField(null=True, blank=True)
    characters = models.PositiveIntegerField(null=True, blank=True)
    language = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text=_("Found from the text; empty: undecided"),
    )
    chosen_language = models.CharField(
        max_length=2,
        choices=Batch.Language.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("The teacher's choice for this essay, instead of the one found"),
    )
    engine = models.CharField(max_length=80, blank=True, default="")
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROCESSING)
    error = models.JSONField(null=True, blank=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    revision = models.PositiveIntegerField(
        default=0, help_text=_("Counts replacements and deliberate repeats")
    )
    rev = models.PositiveIntegerField(default=0, help_text=_("Counts every change; clients compare it"))
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = FileUploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("file upload")
        verbose_name_plural = _("file uploads")
        indexes = [
            models.Index(fields=["batch", "status"], name="file_batch_status"),
            models.Index(fields=["batch", "content_hash"], name="file_batch_hash"),
            models.Index(fields=["created_at"], name="file_created"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["batch", "upload_key"], name="file_upload_key_once"),
            models.CheckConstraint(
                condition=~models.Q(status="assigned") | models.Q(slot__isnull=False),
                name="file_assigned_has_slot",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["assigned", "processing"]) | models.Q(slot__isnull=True),
                name="file_slot_only_when_held",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["failed", "excess", "duplicate"])
                | models.Q(error__isnull=False),
                name="file_problem_has_error",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def raw_id(self) -> UUID:
        """The stored bytes. Raises ``LookupError`` when they were never stored."""
        return known(self.raw_storage_id)

    @property
    def text_id(self) -> UUID:
        """The stored text. Raises ``LookupError`` before it is extracted."""
        return known(self.text_storage_id)

    @property
    def own_language(self) -> str:
        """What the teacher chose for this essay, else what its text shows; empty when neither is known."""
        return self.chosen_language or self.language

    def move_to(self, status: str, **fields: Any) -> None:
        """Change status and ``fields`` in one save, or raise ``InvalidTransition``; the row is locked."""
        check_transition(self.ALLOWED, f"file {self.pk}", self.status, status)
        changes = {**fields, "status": status, "rev": self.rev + 1, "updated_at": timezone.now()}
        for name, value in changes.items():
            setattr(self, name, value)
        self.save(update_fields=list(changes))
        changed(self.pk, self)

    def assign(self, slot: EssaySlot) -> None:
        """The file's text is the essay in ``slot``; an error of reading it again stays told."""
        error = self.error if self.status == self.Status.PROCESSING else None
        self.move_to(self.Status.ASSIGNED, slot=slot, error=error, duplicate_of=None)

    def restart(self, **fields: Any) -> None:
        """Read the file again, or other content in its place; a slot it holds stays its own."""
        self.move_to(
            self.Status.PROCESSING, revision=self.revision + 1, error=None, duplicate_of=None, **fields
        )

    def mark_failed(self, error: dict[str, Any]) -> None:
        """The file cannot become an essay; its slot opens."""
        self.move_to(self.Status.FAILED, slot=None, error=error)

    def mark_excess(self, error: dict[str, Any]) -> None:
        """No slot was free."""
        self.move_to(self.Status.EXCESS, slot=None, error=error)

    def mark_duplicate(self, original: "FileUpload", error: dict[str, Any]) -> None:
        """``original`` already holds the same content."""
        self.move_to(self.Status.DUPLICATE, slot=None, duplicate_of=original, error=error)

    def mark_removed(self) -> None:
        """The teacher took the file away; what it held is kept for some minutes."""
        self.move_to(self.Status.REMOVED, slot=None, duplicate_of=None)

    def erase(self) -> None:
        """Forget what the row tells of anybody; that there was a file, and how long it was, stays."""
        fields = {**self.personal, "raw_storage_id": None, "text_storage_id": None}
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))


LOCKED = Kept(
    lambda pk: (
        FileUpload.objects.filter(pk=pk)
        .select_related("batch")
        .select_for_update(of=("batch", "self"), no_key=True)
    ),
    ONE,
)


def locked_with_batch(file_upload_id: UUID) -> FileUpload:
    """The file, locked after its batch. Raises ``Refused`` when it has been erased."""
    with erased_if_gone():
        upload = LOCKED.get(file_upload_id)
    upload.batch = held(upload.batch_id, lambda: upload.batch)
    return upload
