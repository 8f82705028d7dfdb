"""The teacher's decisions about a batch's essays: their start, their language, words that are no errors."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from batches.forms import LanguageForm
from batches.models import Batch
from batches.views import decide
from essays.accepted import always_accepted
from essays.actions import accepting, noting, starting
from essays.actions.batch_language import change_batch_language, check_batch_language
from essays.actions.essay_language import set_essay_language
from essays.forms import AcceptForm, NoteForm
from essays.notes import note_of
from files.capacity import check_work
from files.models import FileUpload
from files.views import after
from huleedu.answers.pages import PageRequest, SeeOther, carry_out, refusal_of, tell_refusal, to_batch

TABLES = ("essay-list", "results")  # of essays, each with forms of its own


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
    return to_essay(request, batch_id, number)


@login_required
@require_POST
def accept_word(request: PageRequest, batch_id: UUID, number: int) -> HttpResponse:
    """A ``word`` of essay ``number`` is no error within ``scope``; with ``again`` it is one after all."""
    files = FileUpload.objects.owned_by(request.user)
    upload = get_object_or_404(files, batch_id=batch_id, slot__number=number)
    form = AcceptForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        action = accepting.mark_again if said["again"] else accepting.accept
        done = _("“%(word)s” is marked again.") if said["again"] else _("“%(word)s” is not marked any more.")
        carry_out(
            request,
            lambda: action(upload, request.user, said["word"], said["scope"]),
            done % {"word": said["word"]},
        )
    else:
        tell_refusal(request, "INVALID")
    return to_essay(request, batch_id, number)


@login_required
@require_POST
def write_note(request: PageRequest, batch_id: UUID, number: int) -> HttpResponse:
    """Keep a private ``note`` on essay ``number``, or whether it is ``read``.

    A note that another window has changed is shown beside this one, and nothing of either is lost.
    """
    files = FileUpload.objects.owned_by(request.user).select_related("essay_note", "batch")
    upload = get_object_or_404(files, batch_id=batch_id, slot__number=number)
    form = NoteForm(request.POST)
    if not form.is_valid():
        tell_refusal(request, "INVALID")
        return to_essay(request, batch_id, number)
    said = form.cleaned_data
    text = said["note"] if "note" in request.POST else None
    read = {"on": True, "off": False}.get(said["read"])
    seen = None if said["version"] is None else {said["version"]}
    refusal = refusal_of(lambda: noting.note(upload, request.user, text=text, read=read, versions=seen))
    if refusal == "NOTE_CHANGED":
        there = note_of(files.get(pk=upload.pk))
        context = {"batch": upload.batch, "number": number, "yours": text, "there": there}
        return render(request, "essays/two_notes.html", context, status=409)
    if refusal is not None:
        tell_refusal(request, refusal)
    elif text is not None and read is None:
        messages.success(request, _("The note is saved."))
    return to_essay(request, batch_id, number)


def to_essay(request: PageRequest, batch_id: UUID, number: int) -> SeeOther:
    """Back to the essay, or to the table that the form stood in, in the order that was asked for there."""
    back = request.POST.get("back", "")
    address = reverse(back, args=[batch_id]) if back in TABLES else reverse("essay", args=[batch_id, number])
    query = request.GET.urlencode()
    return SeeOther(f"{address}?{query}" if query else address)


@login_required
@require_safe
def own_words(request: PageRequest) -> HttpResponse:
    """The words that are never marked for this teacher."""
    return render(request, "essays/own_words.html", {"words": always_accepted(request.user)})


@login_required
@require_POST
def forget_word(request: PageRequest, pk: int) -> HttpResponse:
    """Mark one of the teacher's own words again."""
    word = accepting.forget_always(request.user, pk)
    if word:
        messages.success(request, _("“%(word)s” is marked again.") % {"word": word})
    return SeeOther(reverse("own-words"))
