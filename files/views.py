"""Forms about files, for browsers without script: add, replace, remove, read again."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from batches.models import Batch
from files.actions import receiving, removing, replacing, reports, rereading, restoring
from files.actions.incoming import Incoming
from files.capacity import check_upload, check_work
from files.models import FileUpload
from files.undo import undoable
from huleedu.answers.pages import PageRequest, SeeOther, carry_out, refusal_of, tell_refusal, to_batch
from huleedu.events.outbox import tell
from huleedu.http.middleware import correlation_id_of


def own_file(request: PageRequest, file_upload_id: UUID) -> FileUpload:
    """The user's own file, or 404."""
    files = FileUpload.objects.owned_by(request.user).select_related("batch")
    return get_object_or_404(files, pk=file_upload_id)


def incoming_of(sent: "UploadedFile[bytes]") -> Incoming:
    """A form's file as the intake takes it."""
    return Incoming(file=sent, filename=sent.name or "")


def after(check: Callable[[], None], action: Callable[[], object]) -> Callable[[], object]:
    """``action``, if ``check`` does not refuse it."""

    def carried() -> object:
        check()
        return action()

    return carried


@login_required
@require_POST
def upload(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Add the files of the field ``files`` to a batch; one that is refused does not stop the others."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    correlation_id = correlation_id_of(request)
    sent = request.FILES.getlist("files")
    outcomes = Counter(
        refusal_of(
            after(
                partial(check_upload, request.user.pk, one.size or 0),
                partial(receiving.receive, batch.pk, request.user, incoming_of(one), correlation_id),
            )
        )
        for one in sent
    )
    if sent:
        tell(reports.upload_finished(batch, correlation_id, uuid4(), len(sent)))
        tell_outcomes(request, outcomes)
    else:
        messages.error(request, _("Choose at least one file first."))
    return to_batch(batch.pk)


def tell_outcomes(request: PageRequest, outcomes: "Counter[str | None]") -> None:
    """Say how many files arrived, and why the others did not."""
    arrived = outcomes.pop(None, 0)
    if arrived:
        text = ngettext("%(n)d file has arrived.", "%(n)d files have arrived.", arrived)
        messages.success(request, text % {"n": arrived})
    for code, number in outcomes.items():
        text = ngettext("%(n)d file was not added.", "%(n)d files were not added.", number)
        messages.error(request, text % {"n": number})
        tell_refusal(request, str(code))


@login_required
@require_POST
def replace(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """Put the content of the field ``file`` in this file's place."""
    current = own_file(request, file_upload_id)
    sent = request.FILES.get("file")
    if sent is None:
        messages.error(request, _("Choose a file first."))
    else:
        carry_out(
            request,
            after(
                partial(check_upload, request.user.pk, sent.size or 0),
                lambda: replacing.replace(current, request.user, incoming_of(sent)),
            ),
            _("The file is replaced and is being read."),
        )
    return to_batch(current.batch_id)


@login_required
@require_POST
def remove(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """Take the file out of its batch."""
    current = own_file(request, file_upload_id)
    done = _("Removed %(name)s.") % {"name": current.filename}
    if refusal := refusal_of(lambda: removing.remove(current)):
        tell_refusal(request, refusal)
        return to_batch(current.batch_id)
    messages.success(request, done)
    return SeeOther(reverse("batch-removed", args=[current.batch_id]))


@login_required
@require_POST
def restore(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """Bring a removed file back, or what was replaced."""
    current = own_file(request, file_upload_id)
    if request.POST.get("revision", str(current.revision)) != str(current.revision):
        tell_refusal(request, "BATCH_CHANGED")  # sent twice, what was replaced would come and go
        return to_batch(current.batch_id)
    back = after(partial(check_work, request.user.pk), lambda: restoring.restore(current, request.user))
    carry_out(request, back, _("%(name)s is back and is being read.") % {"name": current.filename})
    return to_batch(current.batch_id)


@login_required
@require_safe
def removed(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The batch's removed and replaced files that can be brought back."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    context = {"batch": batch, "files": undoable(batch)}
    return render(request, "files/removed.html", context)


@login_required
@require_POST
def reprocess(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """Read the stored file again."""
    current = own_file(request, file_upload_id)
    again = after(partial(check_work, request.user.pk), lambda: rereading.reread(current, request.user))
    carry_out(request, again, _("The file is being read again."))
    return to_batch(current.batch_id)
