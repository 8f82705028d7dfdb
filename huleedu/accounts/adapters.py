"""What django-allauth asks us: how secrets are kept, who may do without a factor, what is said."""

import base64
import hashlib
from functools import cache
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huleedu.accounts.factors import FACTORS, has_factor, must_have_factor
from huleedu.answers.pages import SeeOther
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

SAID = {
    "mfa/messages/totp_activated.txt": gettext_lazy("From now on a code of the app is asked for, too."),
    "mfa/messages/totp_deactivated.txt": gettext_lazy("No code of the app is asked for any more."),
    "mfa/messages/webauthn_added.txt": gettext_lazy("From now on the passkey is asked for, too."),
    "mfa/messages/webauthn_removed.txt": gettext_lazy("The passkey no longer works."),
    "mfa/messages/recovery_codes_generated.txt": gettext_lazy("Here are new recovery codes. Keep them."),
}


class AccountAdapter(DefaultAccountAdapter):
    """Signing in: nobody signs up, and messages are ours."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """False: administrators make accounts."""
        return False

    def get_login_stages(self) -> list[str]:
        """What lies between a right password and being signed in: the code alone, if there is one."""
        return ["huleedu.accounts.code_stage.CodeStage"]

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say what ``SAID`` has for the library's own text, and nothing for others."""
        said = SAID.get(message_template or "", message)
        if said:
            messages.add_message(request, level, str(said), extra_tags=extra_tags)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Tell that the account is closed."""
        record(SecurityKind.SIGN_IN_FAILED, account=user.pk)
        closed = _("This account is closed. Ask the person who runs HuleEdu at your school.")
        messages.error(request, closed)
        return SeeOther("/accounts/login/")

    def send_notification_mail(self, *_arguments: Any, **_named: Any) -> None:
        """Nothing: the account page tells."""

    def is_reauthentication_required(self, *, app: str, **named: Any) -> bool:
        """Whether the password is asked for once more: not of who has none, and no factor yet."""
        user = self.request.user
        if isinstance(user, User) and not user.has_usable_password() and not has_factor(user):
            return False
        return bool(super().is_reauthentication_required(app=app, **named))


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: secrets are sealed in the database, and support keeps one."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("The code is not right, or was used before. Wait for the next one."),
        "cannot_delete_authenticator": gettext_lazy(
            "This account needs a second factor. Add another one before you remove this."
        ),
    }

    def encrypt(self, text: str) -> str:
        """``text`` sealed with the installation's key."""
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What was sealed with one of the installation's keys. Raises ``InvalidToken``."""
        return cipher().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """False for the last factor of somebody who must have one."""
        user = authenticator.user
        others = Authenticator.objects.filter(user=user, type__in=FACTORS).exclude(pk=authenticator.pk)
        return not must_have_factor(user) or others.exists()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """What a passkey is called until somebody says better."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)s") % {"number": count + 1}


def cipher() -> MultiFernet:
    """Made from the installation's keys, the newest first."""
    return ciphers((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def ciphers(keys: tuple[str, ...]) -> MultiFernet:
    """One cipher for each of ``keys``."""
    digests = [hashlib.sha256(f"huleedu.factors {key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
