"""Pages of the project as a whole: sign-in, account, help, and what is shown when something fails."""

import sys
from datetime import timedelta
from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from huleedu import proxy_mistakes
from huleedu.authentication import LIFETIME, make_token, revoke_tokens
from huleedu.errors import StorageFailed, is_out_of_room
from huleedu.forms import PasswordChangeForm, SignInForm, TokenForm
from huleedu.middleware import correlation_id_of
from huleedu.models import ApiToken
from huleedu.pages import PageRequest, SeeOther
from huleedu.problems import MEDIA_TYPE, RETRY_SECONDS, TITLES

API = "/v1/"
LIFETIMES = (1, 7, 30, LIFETIME.days)  # days, as the account page offers them
log = structlog.get_logger(__name__)


class SignIn(LoginView):
    """Sign in with user name and password."""

    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """End the session, and have the browser forget what it kept of it."""

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """The answer; not to cookies, which other services and copies on this host name have, too."""
        with transaction.atomic():
            response = super().dispatch(request, *arguments, **named)
        if request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class AdminPasswordChange(PasswordChangeView):
    """The admin's own page for a new password, with the door's count on the old one."""

    form_class = PasswordChangeForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        """What the form needs."""
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """What the admin's frame needs."""
        return super().get_context_data(**{**admin.site.each_context(self.request), **context})


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """What the words and states mean."""
    return render(request, "help.html")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: PageRequest) -> HttpResponse:
    """API tokens: list, make, revoke. A new token's secret is in this one answer only."""
    if request.method != "POST":
        return account_page(request)
    if request.POST.get("action") == "revoke":
        return revoke_token(request)
    form = TokenForm(request.POST)
    if not form.is_valid():
        wrong = _("Give the token a name of at most 80 characters, and at most %(days)s days.")
        messages.error(request, wrong % {"days": LIFETIME.days})
        return account_page(request)
    scope = form.cleaned_data["scope"] or ApiToken.Scope.WRITE
    days = form.cleaned_data["days"] or LIFETIME.days
    made = make_token(request.user, form.cleaned_data["name"], scope, timedelta(days=days))
    log.info("token.made", user_id=request.user.pk, token_id=made.row.pk, scope=scope)
    return account_page(request, new_token=made.secret)


def account_page(request: PageRequest, new_token: str = "") -> HttpResponse:
    """The page with the tokens that still work."""
    live = ApiToken.objects.filter(owner=request.user, revoked_at=None, expires_at__gt=Now())
    tokens = live.order_by("-created_at", "-pk")
    context = {"tokens": list(tokens), "new_token": new_token, "lifetimes": LIFETIMES}
    return render(request, "accounts/account.html", context)


def revoke_token(request: PageRequest) -> HttpResponse:
    """End one of the user's own tokens; repeating it changes nothing."""
    number = request.POST.get("token", "")
    is_id = number.isascii() and number.isdigit() and len(number) < 19
    if is_id and revoke_tokens(ApiToken.objects.filter(owner=request.user, pk=int(number))):
        log.info("token.revoked", user_id=request.user.pk, token_id=int(number))
        messages.success(request, _("The token no longer works."))
    return SeeOther(request.path)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that came too late, through a proxy that is set wrong, or not from us."""
    mistake = proxy_mistakes.behind_a_refused_form(request)
    if mistake is not None:
        return proxy_mistakes.answer(request, mistake)
    return failure(request, "403_csrf.html", 403, "FORBIDDEN")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that could not be read, or asked for a host that is not ours."""
    if isinstance(exception, DisallowedHost):
        return proxy_mistakes.answer(request, proxy_mistakes.UNKNOWN_HOST)
    return failure(request, "400.html", 400, "INVALID")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what this account may not do."""
    return failure(request, "403.html", 403, "FORBIDDEN", whole=True)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what is not here, or belongs to someone else."""
    return failure(request, "404.html", 404, "NOT_FOUND", whole=True)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for our own failures, made without the database; 507 or 503 when room or a service is away."""
    error = sys.exception()
    if error is not None and is_out_of_room(error):
        response = failure(request, "500.html", 507, "STORAGE_FULL")
    elif isinstance(error, StorageFailed):
        response = failure(request, "503.html", 503, "STORAGE_FAILED")
    elif isinstance(error, (DatabaseError, InterfaceError)):
        response = failure(request, "500.html", 503, "UNAVAILABLE")
    else:
        return failure(request, "500.html", 500, "INTERNAL")
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def failure(
    request: HttpRequest, template: str, status: int, code: str, *, whole: bool = False
) -> HttpResponse:
    """A failure as a page, with the signed-in frame if ``whole``; as a problem for API clients."""
    if request.path.startswith(API):
        return problem(request, status, code)
    text = render_to_string(template, request=request if whole else None)
    return HttpResponse(text, status=status)


def problem(request: HttpRequest, status: int, code: str) -> JsonResponse:
    """An RFC 9457 answer from outside the API's own views."""
    body = {
        "type": "about:blank",
        "title": str(TITLES[code]),
        "status": status,
        "code": code,
        "correlation_id": str(correlation_id_of(request)),
    }
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
