"""Forms about several files at once: each is replaced by the file of its name, or all are removed."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import PurePath
from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from batches.models import Batch
from files.actions import removing, replacing
from files.capacity import check_upload
from files.models import FileUpload
from files.names import clean_name
from files.views import after, incoming_of
from huleedu.answers.pages import PageRequest, SeeOther, refusal_of, tell_refusal, to_batch
from huleedu.api.api_view import parse_id
from huleedu.folding import fold

Named = TypeVar("Named")
NAMED = 6


def chosen_files(request: PageRequest, batch_id: UUID) -> list[FileUpload]:
    """The files that the form's ``of`` names, if they are in the user's batch. Raises ``Http404``."""
    batch = get_object_or_404(Batch.objects.owned_by(request.user), pk=batch_id)
    named = [parse_id(one) for one in request.POST.getlist("of")]
    return list(
        batch.files.present().select_related("batch").filter(pk__in=named).order_by("created_at", "pk")
    )


def stem(filename: str) -> str:
    """A file's name as it is compared: without its ending, in any case, accents written in any way."""
    return fold(PurePath(clean_name(filename)).stem)


def by_name(named: Iterable[tuple[str, Named]]) -> dict[str, Named]:
    """What has its name to itself, by that name."""
    found, twice = dict[str, Named](), set[str]()
    for filename, one in named:
        name = stem(filename)
        if name in found:
            twice.add(name)
        found[name] = one
    return {name: one for name, one in found.items() if name not in twice}


@login_required
@require_POST
def replace_several(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Put each of the files sent in the place of the one of its name; what matches none is told."""
    current = by_name((upload.filename, upload) for upload in chosen_files(request, batch_id))
    sent = request.FILES.getlist("files")
    incoming = by_name((one.name or "", one) for one in sent)
    pairs = {name: (current[name], one) for name, one in incoming.items() if name in current}
    outcomes = Counter(
        refusal_of(
            after(
                partial(check_upload, request.user.pk, one.size or 0),
                partial(replacing.replace, upload, request.user, incoming_of(one)),
            )
        )
        for upload, one in pairs.values()
    )
    tell_replaced(request, outcomes, [one.name or "" for one in sent if stem(one.name or "") not in pairs])
    if not sent:
        messages.error(request, _("Choose at least one file first."))
    return to_batch(batch_id)


def tell_replaced(request: PageRequest, outcomes: "Counter[str | None]", unmatched: list[str]) -> None:
    """Say how many files were replaced, which were not, and why."""
    if replaced := outcomes.pop(None, 0):
        text = ngettext(
            "%(n)d file is replaced and is being read.",
            "%(n)d files are replaced and are being read.",
            replaced,
        )
        messages.success(request, text % {"n": replaced})
    for code in outcomes:
        tell_refusal(request, str(code))
    if unmatched:
        text = ngettext(
            "%(n)d file was not sent, for exactly one file must have its name here: %(names)s.",
            "%(n)d files were not sent, for exactly one file must have each name here: %(names)s.",
            len(unmatched),
        )
        named = ", ".join(unmatched[:NAMED]) + (" …" if len(unmatched) > NAMED else "")
        messages.error(request, text % {"n": len(unmatched), "names": named})


@login_required
@require_POST
def remove_several(request: PageRequest, batch_id: UUID) -> HttpResponse:
    """Take the files out of their batch; each can be brought back for a while."""
    outcomes = Counter(refusal_of(partial(removing.remove, one)) for one in chosen_files(request, batch_id))
    if removed := outcomes.pop(None, 0):
        text = ngettext("%(n)d file is removed.", "%(n)d files are removed.", removed)
        messages.success(request, text % {"n": removed})
    for code in outcomes:
        tell_refusal(request, str(code))
    return SeeOther(reverse("batch-removed", args=[batch_id]))
