"""Support's first page: one search box, what waits for somebody, and the way to everything else."""

import time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from batches.models import Batch
from essays.models import StepRun
from files.models import FileUpload
from huleedu.answers.error_words import words_for
from huleedu.answers.pages import PageRequest, SeeOther
from huleedu.answers.searches import NAME, seal, searched
from huleedu.models import DeadLetter
from huleedu.office.finding import MOST, RECENT, Found, find, find_named, may_be_named
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind
from huleedu.support.reasons import SearchReasonForm
from huleedu.watching.collector import STUCK_ONES, numbers_of, rows_of

VIEW = "files.view_fileupload"
NAMES_SECONDS = 15 * 60  # a given reason lets the same names be searched again, for going back and forth


class SearchForm(forms.Form):
    """What the teacher has said or sent; with a reason when names are to be searched for it."""

    q = forms.CharField(label=_("Find a file, batch or teacher"), max_length=400, strip=True)


@require_http_methods(["GET", "HEAD", "POST"])
def desk(request: PageRequest) -> HttpResponse:
    """The page; posted it leads to what was found, by an address that nobody else can read."""
    may_search = request.user.has_perm(VIEW)
    if request.method == "POST" and may_search:
        return search(request)
    context: dict[str, Any] = {"may_search": may_search}
    if may_search:
        context |= waiting() | answer(request)
    return page(request, context)


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The desk with ``context``."""
    frame = {**admin.site.each_context(request), "app_list": admin.site.get_app_list(request)}
    return render(request, "admin/desk.html", {**frame, "title": admin.site.index_title, **context})


def search(request: PageRequest) -> HttpResponse:
    """Look for what was posted, for names after a reason alone, which is kept."""
    asked = SearchForm(request.POST)
    if not asked.is_valid():
        return SeeOther(reverse("admin:index"))
    term, until = asked.cleaned_data["q"], 0
    if "reason" in request.POST:
        reason = SearchReasonForm(request.POST)
        if not reason.is_valid():
            return page(request, waiting() | shown(term, find(term)) | {"may_search": True, "reason": reason})
        note_names(find_named(term), reason.cleaned_data["reason"])
        until = int(time.time()) + NAMES_SECONDS
    elif (only := the_only_file(term)) is not None:
        return SeeOther(reverse("admin:files_fileupload_trace", args=[only]))
    return SeeOther(f"{reverse('admin:index')}?{NAME}={seal(request, f'{until} {term}')}")


def note_names(found: Found, reason: str) -> None:
    """Write down that names were searched, and whose were found."""
    owners: list[int | None] = [*sorted(found.owners())]
    for owner in owners or [None]:
        record(SecurityKind.NAMES_SEARCHED, account=owner, reason=reason)


def the_only_file(term: str) -> UUID | None:
    """The file that ``term`` means, if it means one and nothing else."""
    found = find(term)
    return found.files[0].pk if len(found.files) == 1 and not found.batches and not found.codes[1:] else None


def answer(request: PageRequest) -> dict[str, Any]:
    """What the address asks for, if it asks."""
    until, _space, term = searched(request).partition(" ")
    if not until.isdigit() or not term:
        return {}
    if int(until) > time.time():
        return shown(term, find_named(term)) | {"named": True, "reason": None}
    return shown(term, find(term))


def shown(term: str, found: Found) -> dict[str, Any]:
    """What the page says of a search."""
    return {
        "term": term,
        "found": found,
        "most": MOST,
        "reason": SearchReasonForm() if may_be_named(term) else None,
        "codes": [(code, words_for(code)) for code in found.codes],
    }


def waiting() -> dict[str, Any]:
    """What waits for somebody: stuck batches, dead letters, and what failed this week by its code."""
    stuck = [str(key) for (key,) in rows_of(f"SELECT id {STUCK_ONES} ORDER BY created_at LIMIT {MOST}")]
    return {
        "stuck": list(Batch.objects.filter(pk__in=stuck).select_related("owner").order_by("created_at")),
        "stuck_number": int(numbers_of(f"SELECT count(*) {STUCK_ONES}")[0]),
        "dead_letters": DeadLetter.objects.filter(status=DeadLetter.Status.DEAD).count(),
        "failures": failures(),
    }


def failures() -> list[dict[str, Any]]:
    """Each code with its words, and how many files and essays that came this week failed so and still do."""
    recent = FileUpload.objects.filter(created_at__gte=Now() - RECENT)
    steps = StepRun.objects.filter(file_upload_id__in=recent.values("pk"), revision=F("slot__revision"))
    found = [
        {
            "code": code,
            "number": number,
            "title": words_for(code).title,
            "address": f"{address}?error_code={code}",
        }
        for rows, address in (
            (recent, reverse("admin:files_fileupload_changelist")),
            (steps, reverse("admin:essays_steprun_changelist")),
        )
        for code, number in numbers_by_code(rows.filter(status="failed"))
    ]
    return sorted(found, key=lambda each: (-each["number"], each["code"]))


def numbers_by_code(rows: QuerySet[Any]) -> list[tuple[str, int]]:
    """How many of ``rows`` have each code."""
    told = rows.order_by().values_list("error__error_code").annotate(number=Count("pk"))
    return [(code, number) for code, number in told if code]
