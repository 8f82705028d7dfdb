"""Signing in with the school's own accounts: OpenID Connect, by django-allauth, with its ways narrowed.

Only an ID token counts: its signature, issuer, audience, end and nonce are looked at; PKCE binds the code.
Whose account it is, is settled once, by a claim; from then on issuer and number (``iss``, ``sub``) say it.
"""

import secrets
from hashlib import sha256
from typing import Any

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import DisallowedRedirect, ValidationError
from django.db import DataError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from requests import RequestException, Session

from huleedu.accounts.devices import SHARED
from huleedu.accounts.life import create_account
from huleedu.accounts.oidc_requests import ThroughTheDoor, patience
from huleedu.answers.pages import SeeOther
from huleedu.postgres.moments import apart
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

PROVIDER = "school"
NONCE = "huleedu.nonce"  # in a session
KEPT = ("iss", "sub", "email", "email_verified")  # of what an ID token says
# Of asking, or of an answer that is none: one of another shape, or with what the database cannot keep.
AWAY: tuple[type[Exception], ...] = (
    *(RequestException, LookupError, ValueError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError, DataError, DisallowedRedirect),
)
log = structlog.get_logger(__name__)


def provider_of(request: HttpRequest) -> Any:
    """What is configured of the school's provider."""
    return get_adapter(request).get_provider(request, PROVIDER)


class Provider(OpenIDConnectOAuth2Adapter):
    """The school's provider, as one request asks it."""

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **named: Any
    ) -> SocialLogin:
        """Who it is, by the ID token alone. Raises ``OAuth2Error``."""
        claims = self.claims_of(app, named["response"].get("id_token") or "")
        kept = {name: claims[name] for name in (*KEPT, settings.OIDC_CLAIM) if name in claims}
        login: SocialLogin = provider_of(request).sociallogin_from_response(request, {"id_token": kept})
        login.account.uid = sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()
        return login

    def claims_of(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """What the token says, if it is the provider's, for us, in this session. Raises ``OAuth2Error``."""
        try:
            claims: dict[str, Any] = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=jwtkit.lookup_kid_jwk,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise OAuth2Error("Unreadable id_token") from error
        expected = self.request.session.pop(NONCE, "")
        if not expected or not constant_time_compare(str(claims.get("nonce", "")), expected):
            raise OAuth2Error("Another session's id_token")
        if not claims.get("sub") or "exp" not in claims:
            raise OAuth2Error("An id_token of nobody, or without an end")
        return claims


class SchoolAccountAdapter(DefaultSocialAccountAdapter):
    """Whose account somebody of the school's provider gets."""

    def get_requests_session(self) -> Session:
        """What asks the provider."""
        return ThroughTheDoor()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """False: accounts are made in ``pre_social_login`` or not at all."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connect somebody who comes for the first time to her account, or turn her away."""
        if sociallogin.is_existing:
            return
        claims = sociallogin.account.extra_data["id_token"]
        user = account_for(claims)
        if user is None or not may_be_connected(user):
            log.warning("sign_in.unknown_at_school")
            record(SecurityKind.SIGN_IN_FAILED, account=user)
            words = _(
                "Your school knows you, but there is no account for you here. Ask the person who runs "
                "HuleEdu at your school."
            )
            raise turned_away(request, words)
        with transaction.atomic():
            sociallogin.connect(request, user)
            record(SecurityKind.ACCOUNT_CONNECTED, actor=user, account=user)
        log.info("account.connected", user_id=user.pk)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        """Back to the sign-in page, whatever it was."""
        log.warning("sign_in.failed_at_school", error=type(exception).__name__ if exception else str(error))
        record(SecurityKind.SIGN_IN_FAILED)
        raise failed(request)


def turned_away(request: HttpRequest, words: str) -> ImmediateHttpResponse:
    """The sign-in page with ``words``."""
    messages.error(request, words)
    return ImmediateHttpResponse(SeeOther(reverse("login")))


def failed(request: HttpRequest) -> ImmediateHttpResponse:
    """The sign-in page, after a failure between the school's provider and us."""
    return turned_away(request, _("Signing in with the school’s account did not work. Try once more."))


def may_be_connected(user: User) -> bool:
    """Whether a claim settles who opens the account: names and addresses get another owner, numbers do not.

    Closed accounts wait for an administrator, and superusers are looked after from a shell alone.
    """
    known = SocialAccount.objects.filter(user=user).exists()
    return user.is_active and not user.is_superuser and not known


def account_for(claims: dict[str, Any]) -> User | None:
    """The account that the configured claim names, made for a teacher if that is configured; or None."""
    name = str(claims.get(settings.OIDC_CLAIM, "")).strip()
    if not name or (settings.OIDC_CLAIM == "email" and claims.get("email_verified") is not True):
        return None
    field = "email__iexact" if settings.OIDC_CLAIM == "email" else "username"
    found = list(User.objects.filter(**{field: name})[:2])
    if found:
        # The database takes letters for equal that are not, as a dotless i and an i.
        alike = name.casefold() == getattr(found[0], field.partition("__")[0]).casefold()
        return found[0] if len(found) == 1 and alike else None
    if not settings.OIDC_CREATE:
        return None
    try:
        User(username=name).clean_fields(exclude=["password"])
    except ValidationError:
        return None
    return create_account("teacher", name, None, str(claims.get("email", ""))[:254])


@apart
@require_GET
def begin(request: HttpRequest, provider_id: str = PROVIDER) -> HttpResponse:
    """Off to the school's provider."""
    if not settings.OIDC_SERVER:
        raise Http404
    if request.user.is_authenticated:
        return SeeOther(reverse("overview"))
    request.session[SHARED] = "shared" in request.GET
    wanted = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    nonce = request.session[NONCE] = secrets.token_urlsafe(24)
    try:
        with patience():
            answer: HttpResponse = provider_of(request).redirect(
                request, AuthProcess.LOGIN, wanted if safe else None, auth_params={"nonce": nonce}
            )
    except AWAY as error:
        return told_away(request, error)
    return answer


@apart
@require_GET
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the school's provider."""
    if not settings.OIDC_SERVER or provider_id != PROVIDER:
        raise Http404
    try:
        with patience():
            answer: HttpResponse = OAuth2CallbackView.adapter_view(Provider(request, PROVIDER))(request)
    except AWAY as error:
        return told_away(request, error)
    return answer


def told_away(request: HttpRequest, error: Exception) -> HttpResponse:
    """Back to the sign-in page: the provider does not answer, or not as one."""
    log.warning("sign_in.school_away", error=type(error).__name__)
    return failed(request).response
