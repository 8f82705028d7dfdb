"""The second factor: who has one, who must, and codes of it, which are tried as passwords are.

A right code is taken once: which was the last is kept with the secret, for all processes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from huleedu.accounts import doors
from huleedu.accounts.credentials import end_sessions, revoke_tokens
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes are none by themselves


def has_factor(user: User) -> bool:
    """True when a password alone does not open the account."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


def must_have_factor(user: User) -> bool:
    """True for support and administrators, unless the installation is a trial one."""
    return settings.STAFF_NEEDS_FACTOR and (user.is_staff or user.is_superuser)


def lacks_factor(user: User | AnonymousUser) -> bool:
    """True for somebody who may do nothing but set up a second factor."""
    return isinstance(user, User) and must_have_factor(user) and not has_factor(user)


def take_code(request: HttpRequest, user: User, code: str) -> Authenticator | None:
    """What the code was of, used now; None when it is wrong or was used. Raises ``MustWait``.

    Codes have a count of their own: a right password does not forgive wrong ones.
    """
    with doors.attempt(request, user.get_username(), doors.CODE) as tried:
        found = use_code(user, "".join(code.split()))
        tried.right = found is not None
    return found


@transaction.atomic
def use_code(user: User, code: str) -> Authenticator | None:
    """Find the factor of ``user`` that ``code`` belongs to, and use the code up."""
    factors = Authenticator.objects.select_for_update().filter(user=user)
    factor: Authenticator
    for factor in factors.exclude(type=Authenticator.Type.WEBAUTHN):
        of_totp = factor.type == Authenticator.Type.TOTP
        if use_totp_code(factor, code) if of_totp else RecoveryCodes(factor).validate_code(code):
            return factor
    return None


def use_totp_code(factor: Authenticator, code: str) -> bool:
    """True when ``code`` is one of just now, later than the last that was used."""
    secret = decrypt(factor.data["secret"])
    for counter in yield_hotp_counters_from_time():
        right = constant_time_compare(format_hotp_value(hotp_value(secret, counter)), code)
        if right and counter > factor.data.get("used", -1):
            factor.data["used"] = counter
            factor.save(update_fields=["data"])
            return True
    return False


@transaction.atomic
def reset_factors(user: User) -> None:
    """Take away all factors of somebody who has lost them; whatever they opened ends, tokens, too."""
    for factor in Authenticator.objects.filter(user=user):
        record(SecurityKind.SECOND_FACTOR_REMOVED, account=user, details={"factor": factor.type})
        factor.delete()
    end_sessions(user)
    revoke_tokens(user)
    log.info("factors.reset", user_id=user.pk)


def one_at_a_time(view: View) -> View:
    """``view``, a form that changes factors: what is sent twice at once is done one after the other.

    All that a form does is one transaction, with what the security log says of it.
    """

    @wraps(view)
    def alone(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        if request.method != "POST" or not request.user.is_authenticated:
            return view(request, *arguments, **named)
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
            return view(request, *arguments, **named)

    return alone


def use_first_code(sender: object, authenticator: Authenticator, **_: object) -> None:
    """After an app was set up: the code that proved it is used."""
    if authenticator.type == Authenticator.Type.TOTP:
        authenticator.data["used"] = max(yield_hotp_counters_from_time())
        authenticator.save(update_fields=["data"])


def kind_of_change(authenticator: Authenticator, *, there: bool) -> SecurityKind:
    """What the security log calls a factor that is ``there`` now, or gone."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES and there:
        return SecurityKind.RECOVERY_CODES_MADE
    return SecurityKind.SECOND_FACTOR_ADDED if there else SecurityKind.SECOND_FACTOR_REMOVED


def end_others(
    sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: object
) -> None:
    """After a factor was added, removed or made anew: sessions from before end."""
    there = Authenticator.objects.filter(pk=authenticator.pk).exists()
    record(kind_of_change(authenticator, there=there), account=user, details={"factor": authenticator.type})
    log.info("factors.changed", user_id=user.pk, kind=authenticator.type)
    end_sessions(user, but=request.session.session_key)
