"""Rows of the security log. The database itself refuses to change them, or to delete them within a year."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from huleedu.security_kinds import SecurityKind


class SecurityEvent(models.Model):
    """Who did what, when, from where: ids, never essay text, file names or pupils' names.

    Accounts are numbers and no foreign keys: the log outlives them.
    """

    personal: ClassVar[dict[str, Any]] = {"network": "", "reason": ""}
    harmless: ClassVar = frozenset({"kind", "route", "subject", "subject_id", "details"})

    at = models.DateTimeField(_("at"), db_default=Now())
    kind = models.CharField(_("what"), max_length=40)  # of SecurityKind
    actor_id = models.BigIntegerField(
        _("who (number)"), null=True, help_text=_("Who did it, if anybody was signed in")
    )
    account_id = models.BigIntegerField(
        _("whose account (number)"), null=True, help_text=_("Whose account it is about")
    )
    network = models.CharField(_("from"), max_length=50, default="", db_default="")
    route = models.CharField(_("route"), max_length=200, default="", db_default="")
    subject = models.CharField(_("about"), max_length=60, default="", db_default="")
    subject_id = models.CharField(_("id"), max_length=64, default="", db_default="")
    reason = models.CharField(_("reason"), max_length=200, default="", db_default="")
    details = models.JSONField(_("details"), default=dict)
    correlation_id = models.UUIDField(_("correlation"), null=True)

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security log")
        default_permissions = ("view",)
        # Each search and filter of the log has its index, in the order in which the log is read.
        indexes = [
            models.Index(fields=["at", "id"], name="security_at"),
            models.Index(fields=["kind", "at", "id"], name="security_kind"),
            models.Index(
                fields=["actor_id", "at"], name="security_actor", condition=models.Q(actor_id__isnull=False)
            ),
            models.Index(
                fields=["account_id", "at"],
                name="security_account",
                condition=models.Q(account_id__isnull=False),
            ),
            models.Index(fields=["network", "at"], name="security_network"),
            models.Index(fields=["subject_id", "at"], name="security_subject"),
            models.Index(
                fields=["correlation_id"],
                name="security_correlation",
                condition=models.Q(correlation_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def words(self) -> str:
        """What happened, in the active language; the bare kind when a newer release has written it."""
        try:
            return str(SecurityKind(self.kind).label)
        except ValueError:
            return self.kind


class SecurityPace(models.Model):
    """How many events of a kind came within a minute, for those that strangers can cause at will."""

    harmless: ClassVar = frozenset({"kind"})

    kind = models.CharField(max_length=40)
    account_id = models.BigIntegerField(help_text="0: no account; -1: all together")
    minute = models.DateTimeField()
    free = models.PositiveIntegerField(help_text="So many are written one by one")
    seen = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["minute", "kind", "account_id"], name="security_pace_once")
        ]

    def __str__(self) -> str:
        return f"{self.seen} {self.kind} in {self.minute}"
