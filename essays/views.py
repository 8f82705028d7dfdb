"""The teacher's decisions about a batch's essays: start with those that are here, and their language."""

from functools import partial
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from batches.forms import LanguageForm
from batches.models import Batch
from batches.views import decide
from essays.actions import starting
from essays.actions.batch_language import change_batch_language, check_batch_language
from essays.actions.essay_language import set_essay_language
from files.capacity import check_work
from files.models import FileUpload
from files.views import after
from huleedu.answers.pages import PageRequest, SeeOther, carry_out, tell_refusal, to_batch


@login_required
@require_POST
def start(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Start with the essays that are here."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    carry_out(request, lambda: starting.start(batch.pk, request.user), _("The batch has started."))
    return to_batch(batch.pk)


@login_required
@require_POST
def batch_language(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The batch's ``language``, empty to take it from the essays."""
    done = _("The language is changed. Essays that it concerns are checked again.")
    form = LanguageForm(request.POST)

    def check(batch_id: UUID, language: str) -> None:
        check_work(request.user.pk)
        check_batch_language(batch_id, language)

    return decide(request, batch_id, form, change_batch_language, done, check)


@login_required
@require_POST
def essay_language(request: PageRequest, batch_id: UUID, number: int) -> HttpResponse:
    """The ``language`` of essay ``number``, empty to take it from the text."""
    files = FileUpload.objects.owned_by(request.user)
    upload = get_object_or_404(files, batch_id=batch_id, slot__number=number)
    form = LanguageForm(request.POST)
    if form.is_valid():
        language = form.cleaned_data["language"]
        choose = after(
            partial(check_work, request.user.pk),
            lambda: set_essay_language(upload, request.user, language),
        )
        carry_out(request, choose, _("The language of the essay is changed."))
    else:
        tell_refusal(request, "INVALID")
    return SeeOther(reverse("essay", args=[batch_id, number]))
