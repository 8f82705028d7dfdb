"""The page of all that a teacher sets of a batch, and the head of its pages."""

from collections.abc import Container
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from batches.actions.deciding import decide_as_seen
from batches.forms import SettingsForm
from batches.models import Batch
from essays.actions.settings import Settings, change_settings, check_settings
from files.capacity import check_work
from huleedu.answers.pages import PageRequest, refusal_of, to_batch, wants_fragment
from huleedu.answers.problems import TITLES
from results import queries
from results.views import own_batch

FIELD_OF = {
    "COUNT_BELOW_ASSIGNED": "expected_essay_count",
    "DEADLINE_PASSED": "deadline",
    "DEADLINE_TOO_FAR": "deadline",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """All settings in one form; then the batch's page."""
    batch = own_batch(request, batch_id)
    form = SettingsForm.of(batch, request.POST if request.method == "POST" else None)
    if form.is_valid():
        refusal = refusal_of(
            lambda: set_as_seen(request, batch, form.changed(), form.cleaned_data["version"])
        )
        if refusal is None:
            return saved(request, batch.pk, form.changed())
        form.add_error(FIELD_OF.get(refusal), str(TITLES.get(refusal, TITLES["INVALID_STATE"])))
    return render(request, "batches/settings.html", {"form": form, "batch": batch})


def saved(request: PageRequest, batch_id: UUID, changed: Container[str]) -> HttpResponse:
    """What is said when settings are saved: on the batch's page, or with its head to swap in."""
    said = _("The settings are saved.")
    if "language" in changed:
        said = _("The language is changed. Essays that it concerns are checked again.")
    if wants_fragment(request):
        return head(request, batch_id, said)
    messages.success(request, said)
    return to_batch(batch_id)


def set_as_seen(request: PageRequest, batch: Batch, changed: dict[str, Any], version: int | None) -> None:
    """Carry out what was changed, while nobody has decided anything else. Raises ``Refused``."""
    wanted = Settings(**changed)
    if wanted.language is not None:
        check_work(request.user.pk)
    check_settings(batch.pk, wanted)
    seen = None if version is None else {version}
    decide_as_seen(batch.pk, seen, lambda: change_settings(batch.pk, request.user, wanted))


@login_required
@require_safe
def head_fragment(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The head of the batch's pages, to swap in."""
    return head(request, batch_id)


def head(request: PageRequest, batch_id: UUID, said: str = "") -> HttpResponse:
    """What the pages of the batch show of its settings."""
    batch = own_batch(request, batch_id)
    context = {
        "batch": queries.counted_summary(batch),
        "auto_start": batch.settings.auto_start,
        "version": batch.version,
        "said": said,
    }
    return render(request, "components/batch_facts.html", context)
