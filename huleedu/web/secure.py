"""Redirects to https, but never in circles: a proxy that hides https from us is named on a page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from huleedu.answers import proxy_mistakes

# Browsers keep and send it over https alone: whoever sends it over what looks like http came by https.
SEEN_COOKIE = "__Host-redirected"
SEEN_SECONDS = 60


class SecureMiddleware(SecurityMiddleware):
    """Django's, with an end to redirects that would never end."""

    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._rest = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The redirect, the page about a proxy that hides https, or what the rest makes of the request."""
        redirect = self.process_request(request)
        if redirect is None:
            return self.process_response(request, self._rest(request))
        mistake = mistake_behind(request)
        answer = going(redirect) if mistake is None else proxy_mistakes.answer(request, mistake)
        return self.process_response(request, answer)


def going(redirect: HttpResponse) -> HttpResponse:
    """The redirect, not kept, or browsers would go in circles when all is mended; it will be known again."""
    redirect.headers["Cache-Control"] = "no-store"
    redirect.set_cookie(SEEN_COOKIE, "1", max_age=SEEN_SECONDS, secure=True, httponly=True, samesite="Lax")
    return redirect


def mistake_behind(request: HttpRequest) -> proxy_mistakes.Mistake | None:
    """Why a redirect to https would come back as http; None when nothing speaks for it."""
    if not settings.BEHIND_PROXY:
        hidden = proxy_mistakes.was_passed_on(request) or SEEN_COOKIE in request.COOKIES
        return proxy_mistakes.UNSEEN_HTTPS if hidden else None
    silent = "X-Forwarded-Proto" not in request.headers
    return proxy_mistakes.UNTOLD_SCHEME if silent or SEEN_COOKIE in request.COOKIES else None
