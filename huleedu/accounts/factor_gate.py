"""Whoever must have a second factor and has none is led to setting one up, from everywhere."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from huleedu.accounts.factors import lacks_factor
from huleedu.accounts.views import API
from huleedu.answers.pages import SeeOther
from huleedu.answers.problems import plain_problem

OPEN_WITHOUT = frozenset(
    {
        *("mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"),
        *("mfa_download_recovery_codes", "account_reauthenticate", "logout", "login", "account_login"),
        *("set_language", "healthz", "readyz", "metrics", "help"),
    }
)


class FactorMiddleware:
    """Shuts every view but those for setting up, signing out and being helped."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Where to go instead, or None."""
        match = request.resolver_match
        if match is None or (match.url_name in OPEN_WITHOUT and not match.namespaces):
            return None
        if not lacks_factor(request.user):
            return None
        if request.path.startswith(API):
            return plain_problem(request, 403, "FACTOR_NEEDED")
        return SeeOther(reverse("mfa_index"))
