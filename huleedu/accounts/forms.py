"""Forms of the account pages, and every form that takes a password."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from huleedu.accounts.authentication import LIFETIME
from huleedu.accounts.doors import attempt
from huleedu.accounts.waiting import in_words
from huleedu.failures.errors import MustWait
from huleedu.models import ApiToken

TOO_MANY_TRIES = "too_many_tries"


def too_early(wait: MustWait) -> ValidationError:
    """What a form says instead of whether the password is right."""
    return ValidationError(in_words(wait), code=TOO_MANY_TRIES)


class DoorForm(AuthenticationForm):
    """User name and password, tried as at every door."""

    def clean(self) -> dict[str, Any]:
        """Check the password. Raises ``ValidationError``, also when it is too early for that."""
        try:
            return super().clean()
        except MustWait as wait:
            raise too_early(wait) from wait


class SignInForm(DoorForm):
    """Those of the sign-in page, and whether others use this computer, too."""

    shared = forms.BooleanField(required=False)

    error_messages = {
        "invalid_login": _(
            "The user name or the password is not right. Upper and lower case matter in both."
        ),
        "inactive": _("This account is closed. Ask the person who runs HuleEdu at your school."),
    }


class AdminSignInForm(DoorForm, AdminAuthenticationForm):
    """Those of the admin's own sign-in page."""


class PasswordChangeForm(AdminPasswordChangeForm):
    """A new password for who knows the old one, which is tried as at every other door."""

    def __init__(self, *arguments: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.request = request

    def clean_old_password(self) -> str:
        """The old password. Raises ``ValidationError`` when it is wrong, or too early to tell."""
        wrong: ValidationError | None = None
        old = ""
        try:
            with attempt(self.request, self.user.get_username()) as tried:
                try:
                    old = super().clean_old_password()
                    tried.right = True
                except ValidationError as error:
                    wrong = error
        except MustWait as wait:
            raise too_early(wait) from wait
        if wrong is not None:
            raise wrong
        return old

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        """The account with its new password, written together with the security log's event."""
        return super().save(commit)


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80)
    scope = forms.ChoiceField(choices=ApiToken.Scope.choices, required=False)
    days = forms.IntegerField(min_value=1, max_value=LIFETIME.days, required=False)
