"""Pages of a batch's end: the archive, how long it is kept, deleting it, and the bin."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batches.actions import archiving, binning
from batches.forms import KeepForm
from batches.keeping import days_left, latest_choice
from batches.models import Batch
from huleedu.answers.measures import limit_in_words
from huleedu.answers.pages import PageRequest, SeeOther, carry_out, tell_refusal
from results import bin as waste
from results import overview
from results.views import own_batch


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def keeping(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Until when the batch is kept, and what its teacher can do about it; ``until`` is another day."""
    batch = own_batch(request, batch_id)
    if request.method == "POST":
        form = KeepForm(request.POST)
        if form.is_valid():
            until = form.cleaned_data["until"]
            carry_out(
                request,
                lambda: binning.keep(batch.pk, request.user, until),
                _("The batch is kept until the day you chose."),
            )
        else:
            tell_refusal(request, "END_NOT_ALLOWED")
        return SeeOther(reverse("batch-keeping", args=[batch.pk]))
    context = {
        "batch": batch,
        "left": days_left(batch.ends_on),
        "today": timezone.localdate(),
        "latest": latest_choice(timezone.localdate(batch.created_at), batch.ends_on),
    }
    return render(request, "batches/keeping.html", context)


@login_required
@require_POST
def archive(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Take the batch off the overview."""
    batch = own_batch(request, batch_id)
    carry_out(
        request,
        lambda: archiving.archive(batch.pk, request.user),
        _("The batch is archived."),
        undo=f"{reverse('batch-unarchive', args=[batch.pk])}{overview.where(request)}",
    )
    return SeeOther(overview.address(request))


@login_required
@require_POST
def unarchive(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Bring the batch back to the overview."""
    batch = own_batch(request, batch_id)
    carry_out(request, lambda: archiving.unarchive(batch.pk, request.user), _("The batch is back."))
    return SeeOther(overview.address(request))


@login_required
@require_POST
def delete(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Put the batch into the bin."""
    batch = own_batch(request, batch_id)
    carry_out(
        request,
        lambda: binning.delete(batch.pk, request.user.pk),
        _("The batch lies in the bin. It can be brought back for %(time)s.")
        % {"time": limit_in_words("BIN_SECONDS")},
        undo=reverse("bin-restore", args=[batch.pk]),
    )
    return SeeOther(reverse("overview"))


@login_required
@require_safe
def bin_page(request: PageRequest) -> HttpResponse:
    """What lies in the bin."""
    return render(request, "batches/bin.html", {"batches": waste.contents(request.user)})


def own_binned(request: PageRequest, batch_id: UUID) -> Batch:
    """The user's own deleted batch, or 404."""
    return get_object_or_404(Batch.objects.binned_by(request.user), pk=batch_id)


@login_required
@require_POST
def restore(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Take a batch out of the bin."""
    batch = own_binned(request, batch_id)
    carry_out(request, lambda: binning.restore(batch.pk, request.user), _("The batch is back."))
    back = Batch.objects.owned_by(request.user).filter(pk=batch.pk).exists()
    return SeeOther(reverse("batch", args=[batch.pk]) if back else reverse("bin"))


@login_required
@require_POST
def erase(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Erase a batch that lies in the bin now."""
    batch = own_binned(request, batch_id)
    carry_out(request, lambda: binning.erase_now(batch.pk), _("The batch is being erased for good."))
    return SeeOther(reverse("bin"))
