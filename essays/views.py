"""The teacher's decision about a batch's essays: start with those that are here."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from batches.models import Batch
from essays import actions
from huleedu.pages import PageRequest, carry_out, to_batch


@login_required
@require_POST
def start(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Start with the essays that are here."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    carry_out(request, lambda: actions.start(batch.pk, request.user), _("The batch has started."))
    return to_batch(batch.pk)
