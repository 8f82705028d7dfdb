"""Closing and deleting one's own account, with all that belongs to it."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from batches.models import Batch
from huleedu.accounts.closing import delete_account
from huleedu.accounts.forms import too_early
from huleedu.answers.measures import time_in_words
from huleedu.answers.pages import PageRequest, SeeOther
from huleedu.failures.errors import MustWait


class DeletionForm(forms.Form):
    """The password once more; the user name of who has none and comes by the school's account."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"}), required=False
    )
    name = forms.CharField(max_length=150, required=False)

    def __init__(self, request: PageRequest) -> None:
        super().__init__(request.POST or None)
        self.request: HttpRequest = request
        self.user = request.user
        del self.fields["name" if self.user.has_usable_password() else "password"]

    def clean_password(self) -> str:
        """The password. Raises ``ValidationError`` when it is wrong, or too early to tell."""
        password = str(self.cleaned_data["password"])
        try:
            found = authenticate(self.request, username=self.user.get_username(), password=password)
        except MustWait as wait:
            raise too_early(wait) from wait
        if found != self.user:
            raise ValidationError(_("The password is not right."))
        return password

    def clean_name(self) -> str:
        """The user name. Raises ``ValidationError`` when it is another."""
        name = str(self.cleaned_data["name"])
        if name != self.user.get_username():
            raise ValidationError(_("That is not your user name."))
        return name


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PageRequest) -> HttpResponse:
    """Say what will happen; do it when the form proves who asks."""
    form = DeletionForm(request)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            delete_account(request.user)
            logout(request)
        told = _(
            "The account is closed. It is erased in %(time)s, unless an administrator opens it again before."
        )
        messages.success(request, told % {"time": time_in_words(settings.BIN_SECONDS)})
        answer = SeeOther(reverse("login"))
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer
    count = Batch.objects.owned_by(request.user).count()
    return render(request, "accounts/delete.html", {"form": form, "batches": count})
