"""How somebody is told that a password was not looked at: in words, and how long to wait."""

from collections.abc import Callable
from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huleedu.accounts.doors import TOLD
from huleedu.failures.errors import MustWait


def in_words(wait: MustWait) -> str:
    """What to tell people, in the active language."""
    if wait.busy:
        return _("Many people are signing in just now. Wait %(time)s and try again.") % {
            "time": time_in_words(wait.seconds)
        }
    return _(
        "Too many tries. Wait %(time)s and try again. If it was not you who tried, use a computer on which "
        "you have signed in before, or ask the person who runs HuleEdu at your school."
    ) % {"time": time_in_words(wait.seconds)}


def time_in_words(seconds: int) -> str:
    """Seconds up to a minute and a half, then minutes."""
    if seconds <= 90:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    minutes = ceil(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


class WaitMiddleware:
    """Pages that tell of a wait get its status and ``Retry-After``; views that know of none get a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        wait = request.META.get(TOLD)
        if isinstance(wait, MustWait) and response.status_code == 200:
            mark(response, wait)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page of somebody who must wait."""
        if not isinstance(exception, MustWait):
            return None
        response = render(request, "429.html", {"told": in_words(exception)})
        mark(response, exception)
        return response


def mark(response: HttpResponse, wait: MustWait) -> None:
    """The status of ``wait`` and its seconds."""
    response.status_code = wait.status
    response.headers["Retry-After"] = str(wait.seconds)
