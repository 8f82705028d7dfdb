"""Pages of the project as a whole."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page for a form that did not come from us, or came too late."""
    return render(request, "403.html", status=403)
