"""The support page "Is everything well?"."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from huleedu.postgres.moments import apart
from huleedu.watching import well
from huleedu.watching.well_parts import FAILED, LOOK, SILENT, WELL


@apart
@require_GET
def well_page(request: HttpRequest) -> HttpResponse:
    """Every part with its state and what to do; for support and administrators, within two seconds.

    Always 200: machines ask ``/readyz``.
    """
    words = {
        WELL: _("Well"),
        LOOK: _("Look at it"),
        FAILED: _("Not well"),
        SILENT: _("Does not answer"),
    }
    parts = well.all_parts()
    rows = [(part, words[part.state]) for part in parts]
    unwell = sum(part.state != WELL for part in parts)
    context = {
        **admin.site.each_context(request),
        "title": _("Is everything well?"),
        "rows": rows,
        "unwell": unwell,
    }
    return render(request, "admin/well.html", context)
