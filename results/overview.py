"""What the overview is asked for by its address, and its filters with their numbers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from batches.models import Batch
from huleedu.answers.pages import PageRequest
from huleedu.answers.searches import NAME, seal, searched
from results.searching import holding
from results.standing import BINNED, Show, asked_for, tally

LABELS: Mapping[Show, Any] = {
    "all": _("All"),
    "needs_me": _("Needs me"),
    "running": _("Running"),
    "done": _("Done"),
    "archived": _("Archived"),
}


def query_of(show: Show, sealed: str) -> str:
    """What the overview's address ends with for one filter and sealed search words; empty for none."""
    named = {"show": "" if show == "all" else show, NAME: sealed}
    query = urlencode({name: value for name, value in named.items() if value})
    return f"?{query}" if query else ""


def asked(request: PageRequest) -> dict[str, Any]:
    """Which batches the address asks for: ``show`` and ``query``; an address with ``where`` asks the same."""
    show, query = asked_for(request.GET.get("show", "")), searched(request)
    sealed = seal(request, query)
    return {"show": show, "query": query, "sealed": sealed, "where": query_of(show, sealed)}


def with_filters(request: PageRequest, asked: dict[str, Any]) -> dict[str, Any]:
    """And each filter, with how many of the batches that are searched for it has, and the bin; one query."""
    counted = tally(holding(Batch.objects.filter(owner=request.user), asked["query"]))
    shown = [
        {"show": show, "label": label, "count": counted[show], "query": query_of(show, asked["sealed"])}
        for show, label in LABELS.items()
    ]
    return {**asked, "filters": shown, "binned": counted[BINNED]}


def where(request: HttpRequest) -> str:
    """What a form's address says of the list that it was sent from, as that list's own address says it."""
    return query_of(asked_for(request.GET.get("show", "")), request.GET.get(NAME, ""))


def address(request: HttpRequest) -> str:
    """Back to the list that a form was sent from."""
    return f"{reverse('overview')}{where(request)}"
