"""Setting a password with a link, and asking for one."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.forms import SetPasswordForm, UsernameField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from huleedu.accounts.forms import too_early
from huleedu.accounts.life import find_link, use_link
from huleedu.accounts.links import ask_for_link
from huleedu.answers.pages import SeeOther
from huleedu.failures.errors import MustWait

HELD = "huleedu.link"  # in a session: the secret of the link that was followed


class ForgottenForm(forms.Form):
    """Who has forgotten her password."""

    username = UsernameField(max_length=150, widget=forms.TextInput({"autofocus": True}))


@require_GET
def follow(request: HttpRequest, secret: str) -> HttpResponse:
    """Keep the secret out of the address of the page with the form: browsers keep and tell addresses."""
    if find_link(secret) is None:
        return over(request)
    request.session[HELD] = secret
    return SeeOther(reverse("set-password"))


@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """The form for a new password. It opens no session: next it is asked for, and a second factor."""
    secret = request.session.get(HELD, "")
    user = find_link(secret) if secret else None
    if user is None:
        return over(request)
    form = SetPasswordForm(user, request.POST or None)
    form.fields["new_password1"].widget.attrs["autofocus"] = True
    if request.method == "POST" and form.is_valid():
        if not use_link(secret, form.cleaned_data["new_password1"]):
            return over(request)
        logout(request)  # whoever else, or she herself before, was signed in with this browser
        messages.success(request, _("The password is set. Sign in with it."))
        return SeeOther(reverse("login"))
    return render(request, "accounts/set_password.html", {"form": form, "name": user.get_username()})


def over(request: HttpRequest) -> HttpResponse:
    """The page for a link that has ended, or never was."""
    return render(
        request, "accounts/link_over.html", {"mail_configured": settings.MAIL_CONFIGURED}, status=404
    )


@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer is the same for every name."""
    if not settings.MAIL_CONFIGURED:
        raise Http404
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ask_for_link(request, form.cleaned_data["username"])
        except MustWait as wait:
            form.add_error(None, too_early(wait))
        else:
            return render(request, "accounts/forgotten_done.html")
    return render(request, "accounts/forgotten.html", {"form": form})
