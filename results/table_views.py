"""The table of essays on pages: what an address asks of it, and which columns its teacher has chosen."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from batches.models import Batch
from huleedu.answers.pages import PageRequest, SeeOther, search_words
from huleedu.answers.searches import NAME, searched
from results.lines import FileLine
from results.measuring import columns
from results.table import (
    ALWAYS,
    DESCENDING,
    FILTERS,
    HIDDEN_AT_FIRST,
    Asked,
    Heading,
    headings,
    of_phase,
    rows_of,
)

PAGES = ("essay-list", "results")
NAMES = (*FILTERS, "sort")
NONE = "-"  # hidden: a cookie cannot be empty


def asked_of(request: PageRequest) -> Asked:
    """What the request's address asks of the table."""
    said = {name: search_words(request, name) for name in NAMES}
    return Asked(q=searched(request), s=request.GET.get(NAME, ""), **said)


def hidden_columns(request: PageRequest) -> frozenset[str]:
    """The columns that are not shown in this browser."""
    kept = request.COOKIES.get(settings.COLUMNS_COOKIE_NAME)
    return HIDDEN_AT_FIRST if kept is None else frozenset(kept.split(".")) - ALWAYS


def table_context(request: PageRequest, batch: Batch, lines: Iterable[FileLine], page: str) -> dict[str, Any]:
    """What the table of ``page`` shows of ``lines``."""
    asked, known, hidden = asked_of(request), headings(batch), hidden_columns(request)
    names = [slug(heading) for heading in known]
    return {
        "rows": rows_of(lines, asked, known),
        "asked": asked,
        "query": asked.query(),
        "headings": [told(heading, asked, slug(heading) not in hidden) for heading in known],
        "shown": frozenset(names) - hidden,
        "columns": [
            (column, str(column.measure.label))
            for column in columns(batch)
            if slug(of_phase(column)) not in hidden
        ],
        "page": page,
    }


def slug(heading: Heading) -> str:
    """The column's name in cookies and forms."""
    return heading.name.replace(".", "_")


def told(heading: Heading, asked: Asked, shown: bool) -> dict[str, object]:
    """A column as the template shows it."""
    direction = {heading.name: "ascending", DESCENDING + heading.name: "descending"}.get(asked.sort, "")
    return {
        "name": slug(heading),
        "label": heading.label,
        "is_number": heading.is_number,
        "direction": direction,
        "query": asked.query(sort=asked.sorting_by(heading.name)),
        "shown": shown,
        "always": heading.name in ALWAYS,
    }


def address_of(page: str, batch_id: UUID, query: str) -> str:
    """The table's address on the page that has this name; the results' for any other."""
    address = reverse(page if page in PAGES else "results", args=[batch_id])
    return f"{address}?{query}" if query else address


@login_required
@require_POST
def choose_columns(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Show the ``column``s of the form and no others, in this browser from now on."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    chosen = set(request.POST.getlist("column"))
    names: Sequence[str] = [slug(heading) for heading in headings(batch) if heading.name not in ALWAYS]
    response = SeeOther(address_of(request.POST.get("page", ""), batch.pk, request.GET.urlencode()))
    response.set_cookie(
        settings.COLUMNS_COOKIE_NAME,
        ".".join(name for name in names if name not in chosen) or NONE,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
