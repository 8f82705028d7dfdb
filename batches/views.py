"""Forms about a batch: make one, and the decisions a teacher takes without script."""

from collections.abc import Callable
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from batches.actions import cancelling, deadline, deciding, places, registering
from batches.forms import CancelForm, DecisionForm, ExpectForm, ExtendForm, NewBatchForm
from batches.models import Batch
from huleedu.answers.pages import PageRequest, carry_out, tell_refusal, to_batch
from huleedu.answers.problems import TITLES
from huleedu.failures.errors import Refused


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_batch(request: PageRequest) -> HttpResponse:
    """The form for a new batch; then its page."""
    form = NewBatchForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        once = form.cleaned_data["once"] or uuid4()
        try:
            batch = registering.register_once(request.user, form.registration(), once)
        except Refused as refusal:
            form.add_error(None, str(TITLES[refusal.code]))
        else:
            return to_batch(batch.pk)
    return render(request, "batches/new.html", {"form": form})


def nothing(_batch_id: UUID, **_said: object) -> None:
    """What most decisions need beforehand."""


def decide(
    request: PageRequest,
    batch_id: UUID,
    form: DecisionForm,
    action: Callable[..., object],
    done: str,
    check: Callable[..., object] = nothing,
) -> HttpResponse:
    """Carry out a decision about the user's own batch with what ``form`` holds; then the batch's page.

    ``check`` comes before the batch is locked: it may wait for the store.
    """
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    if form.is_valid():
        said = dict(form.cleaned_data)
        version = said.pop("version")

        def decision() -> None:
            check(batch.pk, **said)
            seen = None if version is None else {version}
            deciding.decide_as_seen(batch.pk, seen, lambda: action(batch.pk, request.user, **said))

        carry_out(request, decision, done)
    else:
        tell_refusal(request, "INVALID")
    return to_batch(batch.pk)


@login_required
@require_POST
def extend(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """More time for missing essays: ``seconds``."""
    done = _("The batch has more time.")
    return decide(request, batch_id, ExtendForm(request.POST), deadline.extend, done)


@login_required
@require_POST
def expect(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Another number of essays: ``expected_essay_count``."""
    done = _("The number of essays is changed.")
    return decide(request, batch_id, ExpectForm(request.POST), places.expect, done)


@login_required
@require_POST
def cancel(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Stop the batch, with a ``reason`` if there is one."""
    done = _("The batch is cancelled. What is here stays readable.")
    return decide(request, batch_id, CancelForm(request.POST), cancelling.cancel, done)


@login_required
@require_POST
def resume(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Go on with a cancelled batch."""
    done = _("The batch goes on.")
    return decide(request, batch_id, DecisionForm(request.POST), cancelling.resume, done)
