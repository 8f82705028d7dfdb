"""Pages of the project as a whole: sign-in, help, and what is shown when something fails."""

import sys
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET

from huleedu.accounts.devices import SHARED
from huleedu.accounts.forms import AdminSignInForm, DoorForm, SignInForm
from huleedu.answers import proxy_mistakes
from huleedu.answers.pages import SeeOther
from huleedu.answers.problems import RETRY_SECONDS, plain_problem
from huleedu.failures.errors import StorageFailed, is_out_of_room

API = "/v1/"


class SignIn(LoginView):
    """Sign in with user name and password, and then with a second factor if the account has one."""

    authentication_form: type[DoorForm] = SignInForm
    redirect_authenticated_user = True
    extra_context = {
        "mail_configured": settings.MAIL_CONFIGURED,
        "school": settings.OIDC_NAME if settings.OIDC_SERVER else "",
    }

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Where somebody wanted to go; "" for here, where she is already."""
        wanted = super().get_redirect_url(*filter(None, [request]))
        return "" if urlsplit(wanted).path == self.request.path else wanted

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password was right: on to the second factor, or in."""
        user = form.get_user()
        if "shared" in form.fields:  # the admin's page does not ask, so what was said before holds
            self.request.session[SHARED] = form.cleaned_data["shared"]
        record_authentication(self.request, user, method="password", reauthenticated=True)
        return perform_login(self.request, Login(user=user, redirect_url=self.get_success_url()))


class AdminSignIn(SignIn):
    """The admin's own page for the same."""

    authentication_form = AdminSignInForm
    template_name = "admin/login.html"
    redirect_authenticated_user = False

    def get(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """The page. Raises PermissionDenied for who is signed in and may not enter."""
        if request.user.is_authenticated and not admin.site.has_permission(request):
            raise PermissionDenied
        return super().get(request, *arguments, **named)

    def get_default_redirect_url(self) -> str:
        """Where to go on."""
        return reverse("admin:index")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """What the admin's frame needs."""
        return super().get_context_data(**{**admin.site.each_context(self.request), **context})


class SignOut(LogoutView):
    """End the session, and have the browser forget what it kept of it."""

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """The answer; not to cookies, which other services and copies on this host name have, too."""
        with transaction.atomic():
            response = super().dispatch(request, *arguments, **named)
        if request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """What the words and states mean."""
    return render(request, "help.html")


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
    if isinstance(exception, SessionInterrupted):
        return signed_out_meanwhile(request)
    return failure(request, "400.html", 400, "INVALID")


def signed_out_meanwhile(request: HttpRequest) -> HttpResponse:
    """Where to sign in: the session ended while the request was answered, elsewhere or by its own deed."""
    if request.path.startswith(API):
        return plain_problem(request, 401, "NOT_SIGNED_IN")
    again = "?" + urlencode({"next": request.path}, safe="/") if request.method == "GET" else ""
    return SeeOther(reverse("login") + again)


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
        return plain_problem(request, status, code)
    text = render_to_string(template, request=request if whole else None)
    return HttpResponse(text, status=status)
