"""The account page: password, second factor, sessions and tokens of whoever is signed in."""

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from huleedu.accounts import credentials
from huleedu.accounts.adapters import FactorAdapter
from huleedu.accounts.authentication import LIFETIME, make_token
from huleedu.accounts.factors import has_factor, lacks_factor
from huleedu.accounts.forms import PasswordChangeForm, TokenForm
from huleedu.accounts.sessions import live_sessions, named, public_name
from huleedu.answers.pages import PageRequest, SeeOther
from huleedu.failures.errors import Refused
from huleedu.models import ApiToken

LIFETIMES = (1, 7, 30, LIFETIME.days)  # days, as the account page offers them


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: PageRequest) -> HttpResponse:
    """Show it, or do one of ``ACTIONS``. A new token's secret is in this one answer only."""
    if request.method != "POST":
        return account_page(request)
    return ACTIONS.get(request.POST.get("action", ""), make)(request)


def account_page(request: PageRequest, new_token: str = "") -> HttpResponse:
    """The page with the sessions that go on and the tokens that still work."""
    live = ApiToken.objects.filter(owner=request.user, revoked_at=None, expires_at__gt=Now())
    own = request.session.session_key
    sessions = [
        (public_name(session.session_key), session, session.session_key == own)
        for session in live_sessions(request.user)
    ]
    context = {
        "tokens": list(live.order_by("-created_at", "-pk")),
        "new_token": new_token,
        "lifetimes": LIFETIMES,
        "sessions": sessions,
        "has_factor": has_factor(request.user),
        "has_password": request.user.has_usable_password(),
    }
    return render(request, "accounts/account.html", context)


def make(request: PageRequest) -> HttpResponse:
    """Make a token and show it."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        wrong = _("Give the token a name of at most 80 characters, and at most %(days)s days.")
        messages.error(request, wrong % {"days": LIFETIME.days})
        return account_page(request)
    scope = form.cleaned_data["scope"] or ApiToken.Scope.WRITE
    days = form.cleaned_data["days"] or LIFETIME.days
    try:
        made = make_token(request.user, form.cleaned_data["name"], scope, timedelta(days=days))
    except Refused:
        return SeeOther(request.path)  # which leads to signing in: this session has ended
    return account_page(request, new_token=made.secret)


def revoke(request: PageRequest) -> HttpResponse:
    """End one of the user's own tokens; repeating it changes nothing."""
    number = request.POST.get("token", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        token = ApiToken.objects.filter(owner=request.user, pk=int(number)).first()
        if token is not None and credentials.revoke_token(token):
            messages.success(request, _("The token no longer works."))
    return SeeOther(request.path)


def revoke_all(request: PageRequest) -> HttpResponse:
    """End all of the user's own tokens."""
    if credentials.revoke_tokens(request.user):
        messages.success(request, _("No token works any more."))
    return SeeOther(request.path)


def end_session(request: PageRequest) -> HttpResponse:
    """End one of the user's own sessions; repeating it changes nothing."""
    session = named(live_sessions(request.user), request.POST.get("session", ""))
    if session is not None and credentials.end_session(session):
        messages.success(request, _("Signed out there."))
    return SeeOther(request.path)


def end_sessions(request: PageRequest) -> HttpResponse:
    """End all of the user's sessions but this one."""
    if credentials.end_sessions(request.user, but=request.session.session_key):
        messages.success(request, _("Signed out everywhere else."))
    return SeeOther(request.path)


ACTIONS = {
    "create": make,
    "revoke": revoke,
    "revoke-all": revoke_all,
    "end-session": end_session,
    "end-sessions": end_sessions,
}


class ChangePassword(PasswordChangeView):
    """A new password for who knows the old one."""

    form_class = PasswordChangeForm
    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")

    def get_form_kwargs(self) -> dict[str, Any]:
        """What the form needs."""
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it; this session goes on."""
        super().form_valid(form)
        messages.success(
            self.request,
            _(
                "The password is changed. You have been signed out everywhere else, and no token works "
                "any more."
            ),
        )
        return SeeOther(self.get_success_url())


@login_required
@require_http_methods(["GET", "HEAD"])
def factors(request: PageRequest) -> HttpResponse:
    """The second factors that somebody has, and how to get one: before anything else where one is needed."""
    own: dict[str, list[Authenticator]] = {kind: [] for kind in Authenticator.Type.values}
    for factor in Authenticator.objects.filter(user=request.user).order_by("pk"):
        own[factor.type].append(factor)
    host, _port = split_domain_port(request.get_host())
    context = {
        "apps": own[Authenticator.Type.TOTP],
        "passkeys": own[Authenticator.Type.WEBAUTHN],
        "codes": [RecoveryCodes(factor) for factor in own[Authenticator.Type.RECOVERY_CODES]],
        "needed": lacks_factor(request.user),
        "passkeys_possible": request.is_secure() or host == "localhost",
    }
    return render(request, "mfa/index.html", context)


@method_decorator(login_required, name="dispatch")
class NewCodes(GenerateRecoveryCodesView):
    """New recovery codes for who has a second factor; others have none that could stop working."""

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        """The page, or back to where a factor is set up."""
        user = self.request.user
        if not isinstance(user, User) or not has_factor(user):
            return SeeOther(reverse("mfa_index"))
        return super().dispatch(request, *arguments, **named)


@method_decorator(login_required, name="dispatch")
class RemovePasskey(RemoveWebAuthnView):
    """Take one of the user's own passkeys away, unless it is the last factor of somebody who needs one."""

    success_url = reverse_lazy("mfa_index")

    def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        """The page, or back with the reason why not."""
        passkey = Authenticator.objects.filter(
            user=self.request.user.pk, type=Authenticator.Type.WEBAUTHN, pk=named["pk"]
        ).first()
        adapter = FactorAdapter()
        if passkey is not None and not adapter.can_delete_authenticator(passkey):
            messages.error(request, str(adapter.error_messages["cannot_delete_authenticator"]))
            return SeeOther(str(self.success_url))
        return super().dispatch(request, *arguments, **named)
