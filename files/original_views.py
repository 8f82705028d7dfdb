"""The original of a file, as its teacher looks at it. It comes from a pupil: nothing in it may run here.

Its kind is what its bytes show, never what its name says, and browsers are told not to guess. A PDF is given
to the browser's own viewer, in a frame; whoever takes the frame's answer for a page finds it closed off: an
origin of its own, without scripts, forms, windows or requests. That stands in the answer, for in a frame with
the attribute ``sandbox`` Chromium shows no PDF. HTML and SVG are saved, never shown.
"""

from uuid import UUID

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from files import content
from files.models import FileUpload, StoredContent
from files.names import name_on_disk
from files.originals import CONTENT_TYPES, shown_kind
from huleedu.answers.pages import PageRequest, SeeOther, tell_refusal
from huleedu.failures.errors import ContentDamaged

CLOSED_OFF = "default-src 'none'; sandbox; frame-ancestors 'self'"


def own_original(request: PageRequest, file_upload_id: UUID) -> FileUpload:
    """The user's own file that was not removed and whose bytes are kept, or 404."""
    files = FileUpload.objects.owned_by(request.user).present().exclude(raw_storage_id=None)
    return get_object_or_404(files.select_related("batch", "slot"), pk=file_upload_id)


def bytes_of(upload: FileUpload) -> bytes:
    """The bytes as they came. Raises ``StorageFailed`` and ``ContentDamaged``."""
    return content.read(StoredContent.Kind.RAW, upload.raw_id)


@login_required
@require_safe
def original_page(request: PageRequest, file_upload_id: UUID) -> HttpResponseBase:
    """The original, shown if it is of a kind that can be, with a way to save it. Raises ``StorageFailed``."""
    upload = own_original(request, file_upload_id)
    number = upload.slot.number if upload.slot and upload.status == FileUpload.Status.ASSIGNED else None
    context: dict[str, object] = {"file": upload, "number": number}
    try:
        context["kind"] = shown_kind(bytes_of(upload))
    except ContentDamaged:
        return render(request, "files/original.html", context | {"damaged": True}, status=409)
    page = render(request, "files/original.html", context)
    return csp_update({"frame-src": [SELF]})(lambda _: page)(request)


@login_required
@require_safe
def shown(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """The bytes for that page; 404 for a kind that is not shown. Raises ``StorageFailed``."""
    upload = own_original(request, file_upload_id)
    try:
        data = bytes_of(upload)
    except ContentDamaged as damaged:
        raise Http404 from damaged  # the page says so
    kind = shown_kind(data)
    if not kind:
        raise Http404
    response = HttpResponse(data, content_type=CONTENT_TYPES[kind])
    name = content_disposition_header(False, name_on_disk(upload.filename))
    response.headers["Content-Disposition"] = name or "inline"
    response.headers["Content-Security-Policy"] = CLOSED_OFF
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@login_required
@require_safe
def saved(request: PageRequest, file_upload_id: UUID) -> HttpResponse:
    """The bytes as a download under the file's own name. Raises ``StorageFailed``."""
    upload = own_original(request, file_upload_id)
    try:
        response = HttpResponse(bytes_of(upload), content_type="application/octet-stream")
    except ContentDamaged as damaged:
        tell_refusal(request, damaged.code)
        return SeeOther(reverse("file-trace", args=[upload.pk]))
    name = content_disposition_header(True, name_on_disk(upload.filename))
    response.headers["Content-Disposition"] = name or "attachment"
    response.headers["Content-Security-Policy"] = CLOSED_OFF
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
