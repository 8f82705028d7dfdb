"""Forms of the account pages."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from huleedu.models import ApiToken
from huleedu.throttle import SIGN_IN

TOO_MANY_TRIES = "too_many_tries"


class SignInForm(AuthenticationForm):
    """User name and password, tried ten times in five minutes at most from one place."""

    error_messages = {
        "invalid_login": _(
            "The user name or the password is not right. Upper and lower case matter in both."
        ),
        "inactive": _("This account is closed. Ask the person who runs HuleEdu at your school."),
        TOO_MANY_TRIES: _("Too many tries. Wait five minutes and try again."),
    }

    def clean(self) -> dict[str, Any]:
        """Check the password, unless it was tried too often. Raises ``ValidationError``."""
        username = self.cleaned_data.get("username", "")
        key = (username.casefold(), self.request.META.get("REMOTE_ADDR", "") if self.request else "")
        if not SIGN_IN.allows(*key):
            raise ValidationError(self.error_messages[TOO_MANY_TRIES], code=TOO_MANY_TRIES)
        cleaned = super().clean()
        if self.user_cache is not None:
            SIGN_IN.forget(*key)
        return cleaned


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80)
    scope = forms.ChoiceField(choices=ApiToken.Scope.choices, required=False)
