"""Rows of signing in: browser sessions, and links to set a password."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now


class Session(AbstractBaseSession):
    """A browser's session. Its key is a secret: nobody is shown it."""

    personal: ClassVar[dict[str, Any]] = {"device": "", "network": "", "session_data": ""}
    harmless: ClassVar = frozenset({"session_key"})

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sessions"
    )
    begun_at = models.DateTimeField(db_default=Now(), help_text="When somebody signed in")
    seen_at = models.DateTimeField(db_default=Now(), help_text="Roughly: not noted at every request")
    device = models.CharField(max_length=80, blank=True, default="", help_text="Browser and system")
    network = models.CharField(max_length=50, blank=True, default="")
    shared = models.BooleanField(default=False, help_text="On a computer that others use, too")

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"session since {self.begun_at}"


class PasswordLink(models.Model):
    """A link with which somebody may set her password; only its SHA-256 is stored.

    One that was asked for by mail ends no other, for anybody may ask. The first that is used ends all.
    """

    harmless: ClassVar = frozenset({"digest"})

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"link until {self.expires_at}"
