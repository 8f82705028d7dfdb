"""What pages share: who is signed in, search words, and a teacher's action answered in plain words."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from huleedu.answers.problems import TITLES
from huleedu.failures.errors import Refused, StorageFailed
from huleedu.failures.states import InvalidTransition
from huleedu.postgres.conflicts import retried

MAX_SEARCH = 200  # characters
UNDO = "undo:"  # before an address in the tags of a message


class PageRequest(HttpRequest):
    """A request as page views see it behind ``login_required``."""

    user: User
    htmx: HtmxDetails


class SeeOther(HttpResponseRedirect):
    """The answer to a form: read the page again."""

    status_code = 303


def search_words(request: HttpRequest, name: str = "q") -> str:
    """What a query says, as the database can take it."""
    return request.GET.get(name, "").replace("\0", "").strip()[:MAX_SEARCH]


def wants_fragment(request: PageRequest) -> bool:
    """True when htmx swaps a piece; going back in history needs the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def refusal_of(action: Callable[[], object]) -> str | None:
    """Carry ``action`` out; the code of its refusal, or None when it was done."""
    try:
        retried(action)
    except Refused as refusal:
        return refusal.code
    except InvalidTransition:
        return "INVALID_STATE"
    except StorageFailed:
        return "STORAGE_FAILED"
    return None


def carry_out(request: HttpRequest, action: Callable[[], object], done: str, undo: str = "") -> None:
    """Carry ``action`` out and tell the teacher on her next page: ``done``, or why not.

    ``undo`` is the address of the form that takes it back, by a button beside ``done``.
    """
    refusal = refusal_of(action)
    if refusal is None:
        messages.success(request, done, extra_tags=undo and f"{UNDO}{undo}")
    else:
        tell_refusal(request, refusal)


def tell_refusal(request: HttpRequest, code: str) -> None:
    """Say on the next page why nothing was done."""
    messages.error(request, str(TITLES.get(code, TITLES["INVALID_STATE"])))


def to_batch(batch_id: object) -> SeeOther:
    """Back to the batch's page."""
    return SeeOther(reverse("batch", args=[batch_id]))
