"""The ledger of what is to be forgotten and what has been."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID, uuid4

from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from huleedu.failures.errors import Refused
from huleedu.failures.states import known


@contextmanager
def erased_if_gone() -> Iterator[None]:
    """A row that was found before and is not there to be locked was erased meanwhile. Raises ``Refused``."""
    try:
        yield
    except ObjectDoesNotExist as gone:
        raise Refused("ERASED") from gone


class ErasureQuerySet(models.QuerySet["Erasure"]):
    """Lookups."""

    def open(self) -> "ErasureQuerySet":
        """What is not forgotten yet."""
        return self.filter(ended_at__isnull=True)

    def undoable(self) -> "ErasureQuerySet":
        """What can be taken back: nobody has begun with it."""
        return self.filter(begun_at__isnull=True, due_at__gt=Now())


class Erasure(models.Model):
    """What is to be forgotten, or has been: ids and times alone. It stays when all that it names is gone.

    After a backup is restored it tells what has to be erased again.
    """

    class Kind(models.TextChoices):
        FILE = "file", _("a removed file")
        VERSION = "version", _("what a file was before it was replaced")
        BATCH = "batch", _("a batch")
        ACCOUNT = "account", _("an account")

    harmless: ClassVar = frozenset({"kind"})

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    owner_id = models.BigIntegerField(db_index=True)
    batch_id = models.UUIDField(null=True, blank=True, db_index=True)
    file_upload_id = models.UUIDField(null=True, blank=True, db_index=True)
    revision = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of the version that was replaced"
    )
    essay_id = models.UUIDField(null=True, blank=True, help_text="The place that a removed file held")
    asked_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(help_text="Until then it can be taken back")
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        app_label = "huleedu"
        indexes = [
            models.Index(fields=["due_at"], name="erasure_open", condition=models.Q(ended_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def batch(self) -> UUID:
        """The batch that it is about. Raises ``LookupError`` for an account."""
        return known(self.batch_id)

    @property
    def file(self) -> UUID:
        """The file that it is about. Raises ``LookupError`` for a batch or an account."""
        return known(self.file_upload_id)
