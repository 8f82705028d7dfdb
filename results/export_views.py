"""Pages of exports: a menu and a list of a batch, and links that end."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from huleedu.answers.pages import PageRequest, SeeOther, carry_out, tell_refusal
from huleedu.failures.errors import Refused
from huleedu.http.middleware import correlation_id_of
from results.actions import ending_exports, exporting
from results.api_exports import language_of_reader
from results.export_records import download, listed, some_open
from results.exports.kind import WITH_NOTE
from results.exports.registry import KINDS
from results.models import Export
from results.views import frame, own_batch


def own_export(request: PageRequest, export_id: UUID) -> Export:
    """The user's own export, or 404."""
    mine = Export.objects.owned_by(request.user).select_related("batch")
    return get_object_or_404(mine, pk=export_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def exports_page(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """What can be exported and what was; a form's ``kind`` is asked for."""
    batch = own_batch(request, batch_id)
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind not in KINDS:
            raise Http404
        with_note = WITH_NOTE in request.POST
        order = exporting.ordered(kind, language_of_reader(), with_note=with_note)
        carry_out(
            request,
            lambda: exporting.ask(batch.pk, order, correlation_id_of(request)),
            _("The export appears below. You can leave the page meanwhile."),
        )
        return SeeOther(reverse("batch-exports", args=[batch.pk]))
    exports = listed(batch).results
    context = frame(batch) | {"kinds": KINDS, "exports": exports, "some_open": some_open(exports)}
    return render(request, "results/exports.html", context)


@login_required
@require_safe
def export_list(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The list alone, to swap in."""
    batch = own_batch(request, batch_id)
    exports = listed(batch).results
    context = {"exports": exports, "kinds": KINDS, "some_open": some_open(exports)}
    return render(request, "results/_export_list.html", context)


@login_required
@require_safe
def export_file(request: PageRequest, export_id: UUID) -> HttpResponse | StreamingHttpResponse:
    """The file of an export; a page in words when it can be had no longer, or not yet."""
    export = own_export(request, export_id)
    try:
        return download(request, export)
    except Refused as refusal:
        if refusal.code == "EXPORT_ENDED":
            return render(request, "results/export_over.html", {"export": export}, status=410)
        tell_refusal(request, refusal.code)
        return SeeOther(reverse("batch-exports", args=[export.batch_id]))


@login_required
@require_POST
def remove(request: PageRequest, export_id: UUID) -> HttpResponse:
    """Call an export off, or end it."""
    export = own_export(request, export_id)
    done = (
        _("The export is cancelled.") if export.status in Export.OPEN else _("The export’s file is erased.")
    )
    carry_out(request, lambda: ending_exports.remove(export.pk), done)
    return SeeOther(reverse("batch-exports", args=[export.batch_id]))


@login_required
@require_POST
def retry(request: PageRequest, export_id: UUID) -> HttpResponse:
    """Have an export made anew."""
    export = own_export(request, export_id)
    carry_out(request, lambda: exporting.ask_again(export.pk), _("The export is being made once more."))
    return SeeOther(reverse("batch-exports", args=[export.batch_id]))
