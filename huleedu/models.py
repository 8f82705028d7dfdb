"""Ground-floor rows: outbox, events, feed, dead letters, work, timers, idempotency, tokens, erasures.

Which columns may tell of a person: ``huleedu.personal``.
"""

from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from huleedu import security_events  # noqa: F401 - rows of this app, too
from huleedu.account_models import PasswordLink as PasswordLink
from huleedu.account_models import Session as Session
from huleedu.erasure import Erasure as Erasure
from huleedu.failures.states import known

LANES = 16  # ordering is kept per lane; a batch always uses the same one


class OutboxMessage(models.Model):
    """An event or command waiting for the relay. Rows leave when relayed, so the table stays small."""

    personal: ClassVar[dict[str, Any]] = {"envelope": None}
    harmless: ClassVar = frozenset({"event_id", "event_type", "first_error", "last_error"})

    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=80)
    batch_id = models.UUIDField()
    lane = models.SmallIntegerField()
    envelope = models.JSONField()
    attempts = models.PositiveSmallIntegerField(db_default=0, default=0)
    first_error = models.TextField(db_default="", default="", blank=True)
    last_error = models.TextField(db_default="", default="", blank=True)
    first_failed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    reacted = models.BooleanField(
        default=False, db_default=False, help_text=_("What follows happened in the transaction of the fact")
    )

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        constraints = [models.UniqueConstraint(fields=["event_id"], name="outbox_event_once")]
        indexes = [
            models.Index(fields=["lane", "id"], name="outbox_lane"),
            models.Index(fields=["due_at"], name="outbox_retries", condition=models.Q(attempts__gt=0)),
            models.Index(fields=["batch_id"], name="outbox_unreacted", condition=models.Q(reacted=False)),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id[:12]}"


class LoggedEvent(models.Model):
    """A relayed event with its full envelope: serves trace, catch-up and replay."""

    personal: ClassVar[dict[str, Any]] = {"envelope": None}
    harmless: ClassVar = frozenset({"event_id", "event_type", "topic"})

    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=80)
    topic = models.CharField(max_length=120)
    batch_id = models.UUIDField()
    file_upload_id = models.UUIDField(null=True)
    essay_id = models.UUIDField(null=True)
    correlation_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    relayed_at = models.DateTimeField(db_default=Now())
    envelope = models.JSONField()
    deliveries = models.PositiveIntegerField(default=1, db_default=1)
    # What browsers follow: per batch, +1 per message, given by the relay.
    seq = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("logged event")
        verbose_name_plural = _("logged events")
        # Every index is paid for by every event: none that would serve only searches by part of a name.
        constraints = [
            models.UniqueConstraint(fields=["event_id"], name="logged_once"),
            models.UniqueConstraint(fields=["batch_id", "seq"], name="feed_seq_once"),
        ]
        indexes = [
            models.Index(fields=["event_type"], name="logged_type"),
            models.Index(fields=["correlation_id"], name="logged_correlation"),
            models.Index(
                fields=["file_upload_id"],
                name="logged_file",
                condition=models.Q(file_upload_id__isnull=False),
            ),
            models.Index(
                fields=["essay_id"], name="logged_essay", condition=models.Q(essay_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id[:12]}"


class Feed(models.Model):
    """Numbering of one batch's live messages, and who may follow them."""

    batch_id = models.UUIDField(primary_key=True)
    owner_id = models.BigIntegerField(db_index=True)
    epoch = models.UUIDField(default=uuid4)
    seq = models.PositiveIntegerField(default=0)
    closed = models.BooleanField(default=False, db_default=False, help_text="The batch lies in the bin")

    def __str__(self) -> str:
        return f"feed {self.batch_id} at {self.seq}"


class ConsumedEvent(models.Model):
    """Consumer and event, recorded in the transaction of the effect: an effect happens once."""

    harmless: ClassVar = frozenset({"consumer", "event_id"})

    consumer = models.CharField(max_length=80)
    event_id = models.CharField(max_length=64)
    consumed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "consumer"], name="consumed_once")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id[:12]}"


class DeadLetter(models.Model):
    """An event or a piece of work that failed for good, kept for support staff."""

    personal: ClassVar[dict[str, Any]] = {"envelope": None}
    harmless: ClassVar = frozenset(
        {"kind", "status", "topic", "event_type", "event_id", "consumer", "first_error", "last_error"}
    )

    TOPIC = "essay.processing.dlq"

    class Kind(models.TextChoices):
        EVENT = "event", _("event")
        WORK = "work", _("work")

    class Status(models.TextChoices):
        DEAD = "dead", _("given up")
        REPLAYED = "replayed", _("replayed")
        DISCARDED = "discarded", _("discarded")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DEAD)
    topic = models.CharField(max_length=40, default=TOPIC)
    event_type = models.CharField(max_length=80, help_text=_("Event class, or the step of a piece of work"))
    event_id = models.CharField(max_length=64, blank=True, default="")
    batch_id = models.UUIDField(null=True, db_index=True)
    file_upload_id = models.UUIDField(null=True, db_index=True)
    correlation_id = models.UUIDField(db_index=True)
    envelope = models.JSONField()
    consumer = models.CharField(max_length=80)
    attempts = models.PositiveSmallIntegerField()
    first_error = models.TextField()
    last_error = models.TextField()
    first_failed_at = models.DateTimeField()
    died_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")

    def __str__(self) -> str:
        return f"{self.event_type} {self.pk}"

    @property
    def batch(self) -> UUID:
        """The batch it belongs to. Raises ``LookupError`` for work that belonged to none."""
        return known(self.batch_id)


class WorkItem(models.Model):
    """One step to run on one subject. The row is the queue; a django-q2 task is a token to take the next row.

    ``rank`` is a virtual time in milliseconds since 1970: each item of a flow (an owner at one priority) puts
    the flow's next one back, so a flood delays itself and nothing starves.
    """

    harmless: ClassVar = frozenset({"step", "priority", "state", "first_error", "worker", "former_worker"})

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")

    is_finished = False  # known to whoever had it when its row went

    step = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    revision = models.PositiveIntegerField(default=0)
    batch_id = models.UUIDField(null=True)
    owner_id = models.BigIntegerField()
    file_upload_id = models.UUIDField(null=True)
    correlation_id = models.UUIDField()
    priority = models.CharField(max_length=6)
    rank = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    max_retries = models.PositiveSmallIntegerField(default=3)
    timeout_seconds = models.PositiveIntegerField(default=300)
    attempts = models.PositiveSmallIntegerField(default=0)
    first_error = models.TextField(default="", blank=True)
    first_failed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    leased_at = models.DateTimeField(null=True, blank=True)
    slow = models.BooleanField(default=False, db_default=False, help_text=_("A first try took too long"))
    worker = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text=_("Who has it, or left it without a word"),
    )
    former_worker = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text=_("Who left it before the present one"),
    )
    deaths = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text=_("Workers that died on it while all else went on")
    )

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints = [
            models.UniqueConstraint(fields=["step", "subject_id", "revision"], name="work_once"),
            models.CheckConstraint(
                condition=models.Q(state="queued", leased_at=None)
                | models.Q(state="running", leased_at__isnull=False),
                name="work_running_is_leased",
            ),
        ]
        indexes = [
            models.Index(fields=["step", "rank", "id"], name="work_next", condition=models.Q(state="queued")),
            models.Index(fields=["step", "owner_id", "priority", "rank"], name="work_flow"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.subject_id} r{self.revision}"

    def finished(self) -> None:
        """The row has gone, and the lease with it."""
        self.is_finished = True

    @property
    def batch(self) -> UUID:
        """The batch it belongs to. Raises ``LookupError`` for work that belongs to none."""
        return known(self.batch_id)


class Timer(models.Model):
    """Something to do at a time of the database's clock. One per kind and batch."""

    harmless: ClassVar = frozenset({"kind"})

    kind = models.CharField(max_length=40)
    batch_id = models.UUIDField()
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        constraints = [models.UniqueConstraint(fields=["kind", "batch_id"], name="timer_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.batch_id}"


class Installation(models.Model):
    """The one row that says which key and store belong to this database. Every process is held against it."""

    harmless: ClassVar = frozenset({"key", "former_key"})

    id = models.SmallIntegerField(primary_key=True, default=1)
    identity = models.UUIDField(default=uuid4)
    key = models.CharField(max_length=64, default="", blank=True, help_text="Fingerprint of the signing key")
    former_key = models.CharField(max_length=64, default="", blank=True)
    store_marked = models.BooleanField(default=False, help_text="The store carries our identity")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_one")]

    def __str__(self) -> str:
        return f"installation {self.identity}"


class Backup(models.Model):
    """A backup that was taken: when what is in it was so, and whether it was tried by restoring it."""

    moment = models.DateTimeField(db_index=True, help_text="As of which the backup is")
    finished_at = models.DateTimeField(db_default=Now())
    seconds = models.FloatField()
    size = models.PositiveBigIntegerField(help_text="Of the file, in bytes")
    contents = models.PositiveIntegerField()
    damaged = models.PositiveIntegerField(help_text="Contents that were missing or changed before")
    encrypted = models.BooleanField()
    verified = models.BooleanField(help_text="Restored into a throwaway database and compared")

    def __str__(self) -> str:
        return f"backup of {self.moment:%Y-%m-%d %H:%M}"


class RelayPresence(models.Model):
    """One row per process: its sign of life, and what it tells of itself so that others can compare."""

    harmless: ClassVar = frozenset({"name", "role", "facts"})

    name = models.CharField(max_length=60, primary_key=True)
    role = models.CharField(max_length=10)
    seen_at = models.DateTimeField(db_default=Now())
    facts = models.JSONField(default=dict, db_default=models.Value({}, output_field=models.JSONField()))

    class Meta:
        verbose_name = _("relay presence")
        verbose_name_plural = _("relay presences")

    def __str__(self) -> str:
        return self.name


class SignInTally(models.Model):
    """Passwords that failed for a name in a place, a name, or in a network; when the next may be tried."""

    harmless: ClassVar = frozenset({"subject", "kind"})

    class Kind(models.TextChoices):
        PAIR = "pair"
        NAME = "name"
        NETWORK = "network"

    subject = models.CharField(max_length=64, primary_key=True, help_text="HMAC of what is counted")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    failures = models.PositiveIntegerField()
    failed_at = models.DateTimeField(db_default=Now(), db_index=True)
    opens_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind}: {self.failures} failures"


class FamiliarPlace(models.Model):
    """A name in a network where it has signed in: nobody waits there for what strangers do elsewhere."""

    harmless: ClassVar = frozenset({"subject"})

    subject = models.CharField(max_length=64, primary_key=True, help_text="HMAC of name and network")
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"familiar since {self.seen_at}"


class IdempotencyRecord(models.Model):
    """The answer to an unsafe request, kept under the client's key."""

    personal: ClassVar[dict[str, Any]] = {"body": None}
    harmless: ClassVar = frozenset({"key", "fingerprint"})

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    key = models.CharField(max_length=255, help_text="SHA-256 of the client's key, which may tell of anybody")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    status_code = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key


class Usage(models.Model):
    """What a teacher has: bytes kept, and files and batches added on ``day``. See ``huleedu.api.quotas``."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # Counted by a trigger on files_storedcontent.
    bytes = models.BigIntegerField(db_default=0, default=0)
    day = models.DateField(help_text="Of the two counts, in UTC")
    files = models.PositiveIntegerField(db_default=0, default=0)
    batches = models.PositiveIntegerField(db_default=0, default=0)
    # Limits of her own; without, those of the installation hold.
    most_bytes = models.BigIntegerField(null=True, blank=True)
    most_files = models.PositiveIntegerField(null=True, blank=True, help_text="In a day")
    most_batches = models.PositiveIntegerField(null=True, blank=True, help_text="In a day")

    def __str__(self) -> str:
        return f"usage of {self.owner_id}"


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 is stored."""

    personal: ClassVar[dict[str, Any]] = {"name": ""}
    harmless: ClassVar = frozenset({"scope", "digest"})

    class Scope(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("read and write")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("api token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
