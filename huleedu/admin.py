"""The admin site, and the machinery's rows for support staff."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from huleedu.accounts.credentials import revoke_token
from huleedu.accounts.forms import AdminSignInForm
from huleedu.fit.wall_report import report
from huleedu.models import (
    ApiToken,
    DeadLetter,
    LoggedEvent,
    OutboxMessage,
    RelayPresence,
    Timer,
    WorkItem,
)
from huleedu.security.recorded import Row
from huleedu.security_kinds import SecurityKind
from huleedu.support.base import (
    ActingAdmin,
    Deed,
    EventTypeFilter,
    OwnedAdmin,
    ReadOnlyAdmin,
    shown_json,
)
from huleedu.support.dead_letters import check_replay, discard, set_going
from huleedu.support.security_admin import SecurityEventAdmin  # noqa: F401 - registers itself

admin.site.site_header = "HuleEdu"
admin.site.site_title = "HuleEdu"
admin.site.index_title = _("Support")
admin.site.login_form = AdminSignInForm
admin.site.enable_nav_sidebar = False  # the first page leads everywhere

# Ours comes first, theirs must be there to be taken away.
import_module("django_q.admin")
import_module("huleedu.office.account_admin")
import_module("allauth.account.admin")
import_module("allauth.mfa.admin")
import_module("allauth.socialaccount.admin")
# Tokens for workers and schedules say nothing that the work queue does not say better.
for name in ("Success", "Failure", "OrmQ", "Schedule"):
    if admin.site.is_registered(apps.get_model("django_q", name)):
        admin.site.unregister(apps.get_model("django_q", name))
# Nobody looks at the secrets of second factors.
for label in (
    *("account.EmailAddress", "account.EmailConfirmation", "mfa.Authenticator"),
    *("socialaccount.SocialApp", "socialaccount.SocialAccount", "socialaccount.SocialToken"),
):
    if admin.site.is_registered(apps.get_model(label)):
        admin.site.unregister(apps.get_model(label))


class EnvelopeAdmin(ReadOnlyAdmin[Row]):
    """Rows that hold an event: it shows as JSON, without the file's name."""

    readonly_fields = ("shown_envelope",)

    @admin.display(description=_("envelope"))
    def shown_envelope(self, row: OutboxMessage | LoggedEvent | DeadLetter) -> SafeString:
        """The event as an indented block."""
        return shown_json(row.envelope)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(EnvelopeAdmin[OutboxMessage]):
    """Events that wait for the relay."""

    list_display = ("event_type", "event_id", "batch_id", "attempts", "created_at", "due_at")
    list_filter = (EventTypeFilter,)
    ordering = ("id",)
    uuid_search = ("batch_id",)
    text_search = ("event_id", "event_type")
    fields = (
        *("event_id", "event_type", "batch_id", "lane", "attempts", "first_error", "last_error"),
        *("first_failed_at", "created_at", "due_at", "shown_envelope"),
    )


@admin.register(LoggedEvent)
class LoggedEventAdmin(EnvelopeAdmin[LoggedEvent]):
    """Events that were relayed."""

    list_display = (
        "event_type",
        "batch_id",
        "file_upload_id",
        "essay_id",
        "seq",
        "occurred_at",
        "relayed_at",
    )
    list_filter = (EventTypeFilter,)
    ordering = ("-id",)
    uuid_search = ("batch_id", "file_upload_id", "essay_id", "correlation_id")
    text_search = ("event_id",)
    fields = (
        *("event_id", "event_type", "topic", "batch_id", "file_upload_id", "essay_id", "correlation_id"),
        *("occurred_at", "relayed_at", "deliveries", "seq", "shown_envelope"),
    )


def is_dead(letter: DeadLetter) -> bool:
    """True until somebody has replayed or discarded the letter."""
    return letter.status == DeadLetter.Status.DEAD


@admin.register(DeadLetter)
class DeadLetterAdmin(ActingAdmin[DeadLetter], EnvelopeAdmin[DeadLetter]):
    """What failed for good, to be replayed or discarded."""

    list_display = ("event_type", "kind", "status", "batch_id", "file_upload_id", "last_error", "died_at")
    list_filter = ("status", "kind")
    ordering = ("-id",)
    uuid_search = ("batch_id", "file_upload_id", "correlation_id")
    text_search = ("event_id", "event_type")
    deeds = {
        "replay": Deed(
            _("Replay"),
            _("Try it again now."),
            "huleedu.handle_deadletter",
            SecurityKind.LETTER_REPLAYED,
            set_going,
            check_replay,
            is_dead,
            told=_("It is being tried again. If it fails again, it comes back as a new dead letter."),
        ),
        "discard": Deed(
            _("Discard"),
            _("Put it aside for good: it stays in the list, but cannot be replayed any more."),
            "huleedu.handle_deadletter",
            SecurityKind.LETTER_DISCARDED,
            discard,
            applies=is_dead,
            told=_("It is put aside and counts no longer."),
        ),
    }
    fields = (
        *("kind", "status", "topic", "event_type", "event_id", "batch_id", "file_upload_id"),
        *("correlation_id", "consumer", "attempts", "first_error", "last_error", "first_failed_at"),
        *("died_at", "handled_at", "handled_by_id", "shown_envelope"),
    )


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnlyAdmin[WorkItem]):
    """Steps that wait or run."""

    list_display = ("step", "state", "priority", "rank", "attempts", "file_upload_id", "due_at", "leased_at")
    list_filter = ("state", "priority")
    ordering = ("step", "rank", "id")
    uuid_search = ("batch_id", "file_upload_id", "subject_id", "correlation_id")
    text_search = ("step",)


@admin.register(Timer)
class TimerAdmin(ReadOnlyAdmin[Timer]):
    """Deadlines that are set."""

    list_display = ("kind", "batch_id", "due_at")
    ordering = ("due_at",)
    uuid_search = ("batch_id",)


@admin.register(RelayPresence)
class RelayPresenceAdmin(ReadOnlyAdmin[RelayPresence]):
    """Which processes gave a sign of life, and when, and what their machines do not give."""

    list_display = ("name", "role", "seen_at")
    ordering = ("role", "name")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, and below it the walls around readers of files."""
        return super().changelist_view(request, {**(extra_context or {}), "walls": report()})


def revoke(token: ApiToken, _user: User) -> None:
    """End the token now; a token that was revoked before keeps its time."""
    revoke_token(token)


@admin.register(ApiToken)
class ApiTokenAdmin(ActingAdmin[ApiToken], OwnedAdmin[ApiToken]):
    """Tokens without anything that could be used in their place."""

    list_display = ("name", "owner", "scope", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("owner",)
    ordering = ("-id",)
    text_search = ("owner__username",)
    search_help_text = _("A whole user name")
    deeds = {
        "revoke": Deed(
            _("Revoke"),
            _("End the token for good. Its owner can make another one on the account page."),
            "huleedu.revoke_apitoken",
            SecurityKind.TOKEN_REVOKED,
            revoke,
            applies=lambda token: token.revoked_at is None,
            told=_("The token is ended: nothing gets in with it any more."),
        )
    }
    fields = ("name", "shown_owner", "scope", "created_at", "expires_at", "last_used_at", "revoked_at")
