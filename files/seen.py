"""What page of ours an upload was sent from."""

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve
from rest_framework.request import Request

from huleedu.answers.problems import Problem


def check_seen(request: Request, batch_id: UUID) -> None:
    """Refuse files for a batch from a page of ours that shows something else. Raises ``Problem``.

    A page's address can move on without the page: then what is seen is not what the address names, and a
    file dropped there may belong to either. Clients with tokens have no page.
    """
    seen = page_of(request) if request.auth is None else None
    if seen and (seen.url_name == "overview" or seen.kwargs.get("batch_id", batch_id) != batch_id):
        raise Problem(409, "WRONG_PAGE")


def page_of(request: Request) -> ResolverMatch | None:
    """The page of ours that sends the request, as far as it can be told."""
    ours = {request.get_host(), *(urlsplit(origin).netloc for origin in settings.CSRF_TRUSTED_ORIGINS)}
    try:
        page = urlsplit(request.headers.get("Referer", ""))
        return resolve(page.path) if page.netloc in ours else None
    except (ValueError, Resolver404):
        return None
