"""Pages that show batches, essays, results and the way of one file. The numbers are those of the API."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from batches.models import Batch
from files.models import FileUpload
from files.names import repeated
from files.records import file_record
from files.undo import undo_until
from huleedu.answers.error_words import catalogue
from huleedu.answers.pages import MAX_SEARCH, PageRequest, SeeOther, search_words, wants_fragment
from huleedu.answers.searches import NAME, seal
from huleedu.api.api_view import parse_id
from huleedu.events import feed
from results import overview, queries, summary
from results.estimating import seconds_left
from results.lines import file_lines
from results.listing import page
from results.mark_kinds import LABELS, MarkKind, kind_of_finding
from results.occurrences import Occurrences, marked_so, occurrences
from results.reading import read_essay
from results.shapes import Snapshot
from results.standing import ARCHIVED
from results.table_views import NAMES, address_of, asked_of, table_context
from results.troubles import troubles

PRIVATE = {"EssayNoteChanged"}  # what a teacher notes for herself is no part of a file's way
PASSED_ON = ("show", *NAMES)


def own_batch(request: PageRequest, batch_id: UUID) -> Batch:
    """The user's own batch, or 404."""
    return get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)


def frame(batch: Batch, whole: Snapshot | None = None) -> dict[str, Any]:
    """What every page about a batch needs; ``whole`` is the batch where the page has read it already."""
    names = [file.filename for file in whole.files] if whole else queries.filenames(batch)
    return {
        "batch": whole or queries.head(batch),
        "twice": frozenset(repeated(names)),
        "catalogue": catalogue(),
        "now": timezone.now(),
    }


@login_required
@require_safe
def overview_page(request: PageRequest) -> HttpResponse:
    """The user's batches, what needs her first; for htmx the list alone, or what follows its last one."""
    context = overview.asked(request)
    cursor = search_words(request, "cursor")
    found = page(request.user, context["query"], cursor, show=context["show"], order="needs")
    context["cards"] = queries.summaries([*found.moved, *found.batches])
    context["next_cursor"] = found.next_cursor
    if wants_fragment(request) and cursor:
        return render(request, "batches/_cards.html", context)
    context = overview.with_filters(request, context)
    template = "batches/_listing.html" if wants_fragment(request) else "batches/overview.html"
    return render(request, template, context)


@login_required
@require_safe
def filters_fragment(request: PageRequest) -> HttpResponse:
    """The overview's filters with their numbers, to swap in."""
    context = overview.with_filters(request, overview.asked(request))
    return render(request, "batches/_filters.html", context)


@login_required
@require_POST
def search(request: PageRequest) -> HttpResponse:
    """Search words on their way to the list they are for, out of sight: in a body, then sealed."""
    form = request.POST
    batch_id = form.get("batch", "")
    words = form.get("q", "").replace("\0", "").strip()[:MAX_SEARCH]
    asked = {NAME: seal(request, words), **{name: form.get(name, "") for name in PASSED_ON}}
    query = urlencode({name: value for name, value in asked.items() if value})
    if batch_id:
        batch = own_batch(request, parse_id(batch_id))
        return SeeOther(address_of(form.get("page", ""), batch.pk, query))
    return SeeOther(f"{reverse('overview')}?{query}" if query else reverse("overview"))


@login_required
@require_safe
def card_fragment(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """One card of the overview, to swap in."""
    if Batch.objects.binned_by(request.user).filter(pk=batch_id).exists():
        return HttpResponse()  # its card leaves the page
    batch = own_batch(request, batch_id)
    context = overview.asked(request)
    if (batch.archived_at is not None) != (context["show"] == ARCHIVED):
        return HttpResponse()
    return render(request, "batches/_card.html", context | {"card": queries.counted_summary(batch)})


@login_required
@require_safe
def batch_page(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The batch's files, live."""
    batch = own_batch(request, batch_id)
    context = frame(batch, queries.snapshot(batch))
    context |= {"show": request.GET.get("show", ""), "query": search_words(request)}
    if context["batch"].counts.in_progress or batch.status == Batch.Status.PROCESSING:
        context |= {"is_busy": True, "seconds_left": seconds_left(batch)}
    context["troubles"] = troubles(batch, context["batch"].files)
    return render(request, "batches/batch.html", context)


@login_required
@require_safe
def troubles_fragment(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """What the list of files says once for many, to swap in."""
    batch = own_batch(request, batch_id)
    context = {
        "batch": queries.counted_summary(batch),
        "troubles": troubles(batch, queries.file_records(batch)),
    }
    return render(request, "files/_troubles.html", context)


@login_required
@require_safe
def essay_list(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """The batch's essays, in one table."""
    batch = own_batch(request, batch_id)
    essays = [line for line in file_lines(batch) if line.number is not None]
    context = frame(batch) | table_context(request, batch, essays, "essay-list")
    return render(request, "essays/list.html", context | {"essays": essays, "kinds": summary.kinds(essays)})


@login_required
@require_safe
def essay_page(request: PageRequest, batch_id: UUID, number: int) -> HttpResponse:
    """One essay with its marks."""
    batch = own_batch(request, batch_id)
    asked = asked_of(request)
    reading = read_essay(batch, number, asked)
    if reading is None:
        return being_read_page(request, batch, number)
    status = 409 if reading.damaged else 200
    context = frame(batch) | vars(reading) | {"query": asked.query()}
    return render(request, "essays/essay.html", context, status=status)


def being_read_page(request: PageRequest, batch: Batch, number: int) -> HttpResponse:
    """Essay ``number`` while its file is read again. Raises ``Http404`` when it has none."""
    upload = queries.file_being_read(batch, number)
    if upload is None:
        raise Http404
    context = frame(batch) | {"number": number, "file": file_record(upload)}
    return render(request, "essays/being_read.html", context)


@login_required
@require_safe
def mark_in_essays(request: PageRequest, batch_id: UUID, number: int, start: int) -> HttpResponse:
    """The sentences of all essays with the word that is marked at ``start`` of essay ``number``.

    The word is pupils' writing and stays out of the address, which logs and histories keep.
    """
    batch = own_batch(request, batch_id)
    found = occurrences(batch, number, start)
    if found is None:
        messages.info(request, _("That word is not marked any more."))
        return SeeOther(reverse("essay", args=[batch.pk, number]))
    return render(request, "essays/mark.html", frame(batch) | {"found": found})


@login_required
@require_safe
def marks_of_kind(request: PageRequest, batch_id: UUID, kind: str) -> HttpResponse:
    """The sentences of all essays with a spelling mark of this kind."""
    batch = own_batch(request, batch_id)
    if kind not in LABELS:
        raise Http404
    essays = marked_so(batch, lambda finding: kind_of_finding(finding) == kind)
    found = Occurrences(word="", suggestions=(), language=batch.language, essays=essays)
    return render(
        request, "essays/mark.html", frame(batch) | {"found": found, "label": LABELS[MarkKind(kind)]}
    )


@login_required
@require_safe
def results_page(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Figures of the whole batch, and the table of all its files."""
    batch = own_batch(request, batch_id)
    lines = file_lines(batch)
    context = frame(batch) | summary.results_context(batch, lines)
    return render(request, "results/results.html", context | table_context(request, batch, lines, "results"))


@login_required
@require_safe
def file_trace(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """Where a file has been, in plain words."""
    files = FileUpload.objects.owned_by(request.user).select_related("batch", "slot", "duplicate_of")
    upload = get_object_or_404(files, pk=file_upload_id)
    context = {
        "file": file_record(upload),
        "batch": queries.counted_summary(upload.batch),
        "events": [event for event in feed.trace(upload.pk) if event["event_type"] not in PRIVATE],
        "undo_until": undo_until(upload),
        "revision": upload.revision,
        "has_original": upload.raw_storage_id is not None,
        "twin": upload.duplicate_of,
        "correlation_id": upload.correlation_id,
        "catalogue": catalogue(),
    }
    return render(request, "files/trace.html", context)
