"""The security log for administrators, not for support: read, filtered and searched, each by an index."""

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import models
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from huleedu.http.networks import IPV6_HOUSEHOLD
from huleedu.security_events import SecurityEvent
from huleedu.security_kinds import SecurityKind
from huleedu.support.base import ReadOnlyAdmin, as_uuid

MOST_ROWS = 10_000  # that a list leads to; more is what filters and the export are for
MOST_FOUND = 500
PERIODS = {"1": _("Last day"), "7": _("Last 7 days"), "30": _("Last 30 days")}
LONGEST_ID = 19  # digits that surely fit
Events = models.QuerySet[SecurityEvent]


class BoundedPaginator(Paginator[SecurityEvent]):
    """Counts no further than it leads, so that a page costs the same however long the log is."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, ``MOST_ROWS`` at most."""
        rows = self.object_list
        return (
            rows.values("pk")[:MOST_ROWS].count()
            if isinstance(rows, models.QuerySet)
            else min(len(rows), MOST_ROWS)
        )


class KindFilter(admin.SimpleListFilter):
    """Filter by what happened."""

    title = _("event")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Every kind there is."""
        return [(kind.value, str(kind.label)) for kind in SecurityKind]

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """The rows of the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class PeriodFilter(admin.SimpleListFilter):
    """Filter by how long ago it was."""

    title = _("time")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Periods that end now."""
        return [(days, str(words)) for days, words in PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """The rows of the chosen period."""
        days = self.value()
        return queryset.filter(at__gte=Now() - timedelta(days=int(days))) if days in PERIODS else queryset


def find(rows: Events, term: str) -> list[Events]:
    """What ``term`` may mean: a user name, the id of an account or row, an address, a correlation id."""
    found = [rows.filter(subject_id=term[:64])]
    accounts = set(User.objects.filter(username=term).values_list("pk", flat=True))
    if term.isascii() and term.isdigit() and len(term) < LONGEST_ID:
        accounts.add(int(term))
    for account in accounts:
        found += [rows.filter(actor_id=account), rows.filter(account_id=account)]
    if (network := as_network(term)) is not None:
        found.append(rows.filter(network=network))
    if (wanted := as_uuid(term)) is not None:
        found += [rows.filter(correlation_id=wanted), rows.filter(subject_id=str(wanted))]
    return found


def as_network(text: str) -> str | None:
    """The network, as the log keeps it, that ``text`` names or is an address in; None for all else."""
    try:
        network = ip_network(text, strict=False)
        if network.version == 6 and network.prefixlen > IPV6_HOUSEHOLD:
            return str(network.supernet(new_prefix=IPV6_HOUSEHOLD))
    except ValueError:
        return None
    return str(network)


def name_of(column: str) -> models.Subquery:
    """The present user name of the account whose id stands in ``column``."""
    return models.Subquery(User.objects.filter(pk=models.OuterRef(column)).values("username"))


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin[SecurityEvent]):
    """Who did what, when and from where, the newest first."""

    list_display = ("at", "shown_kind", "shown_actor", "shown_account", "network", "subject", "subject_id")
    list_filter = (PeriodFilter, KindFilter)
    ordering = ("-at", "-id")
    paginator = BoundedPaginator
    text_search = ("subject_id",)
    search_help_text = _("A whole user name, number of an account, address, or id")
    fields = (
        *("at", "shown_kind", "shown_actor", "actor_id", "shown_account", "account_id", "network", "route"),
        *("subject", "subject_id", "reason", "details", "correlation_id"),
    )
    readonly_fields = ("shown_kind", "shown_actor", "shown_account")

    def get_queryset(self, request: HttpRequest) -> Events:
        """The rows with the names of their accounts."""
        names = {"actor_name": name_of("actor_id"), "account_name": name_of("account_id")}
        return super().get_queryset(request).annotate(**names)

    def get_search_results(
        self, request: HttpRequest, queryset: Events, search_term: str
    ) -> tuple[Events, bool]:
        """The newest ``MOST_FOUND`` of each meaning of ``search_term``; each is looked for by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        newest = queryset.order_by("-at", "-id")
        first, *others = [rows.values("pk")[:MOST_FOUND] for rows in find(newest, term)]
        return queryset.filter(pk__in=first.union(*others) if others else first), False

    @admin.display(description=_("what"), ordering="kind")
    def shown_kind(self, event: SecurityEvent) -> str:
        """What happened, in words."""
        return event.words

    @admin.display(description=_("who"))
    def shown_actor(self, event: Any) -> str:
        """The name of who did it."""
        return shown_name(event.actor_id, event.actor_name)

    @admin.display(description=_("whose account"))
    def shown_account(self, event: Any) -> str:
        """The name of whose account it is about."""
        return shown_name(event.account_id, event.account_name)


def shown_name(account_id: int | None, name: str | None) -> str:
    """The name that an account has now; its number when it is gone; nothing for nobody."""
    if account_id is None:
        return ""
    return name or str(_("account %(number)s, deleted") % {"number": account_id})
