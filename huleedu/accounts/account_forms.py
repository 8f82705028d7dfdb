"""Forms of the second factor, counted as passwords are."""

from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.base import forms as library
from allauth.mfa.base.forms import BaseAuthenticateForm

from huleedu.accounts.adapters import FactorAdapter
from huleedu.accounts.factors import take_code
from huleedu.accounts.forms import too_early
from huleedu.failures.errors import MustWait


class CountedCode(BaseAuthenticateForm):
    """A code of an app, or a recovery code."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["code"].widget.attrs["autofocus"] = True

    def clean_code(self) -> str:
        """The code. Raises ``ValidationError`` when it is wrong, used, or too early to tell."""
        code = str(self.cleaned_data["code"])
        try:
            found = take_code(context.request, self.user, code)
        except MustWait as wait:
            raise too_early(wait) from wait
        if found is None:
            raise FactorAdapter().validation_error("incorrect_code")
        self.authenticator = found
        return code


class CodeForm(CountedCode, library.AuthenticateForm):
    """The code after the password."""


class CodeOnceMoreForm(CountedCode, library.ReauthenticateForm):
    """A code before something that matters."""


class PasswordOnceMoreForm(ReauthenticateForm):
    """The password before something that matters."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["password"].widget.attrs["autofocus"] = True

    def clean_password(self) -> str:
        """The password. Raises ``ValidationError`` when it is wrong, or too early to tell."""
        try:
            return str(super().clean_password())
        except MustWait as wait:
            raise too_early(wait) from wait
