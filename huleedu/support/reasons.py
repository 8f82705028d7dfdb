"""Why support must see or search for a name: kept in the security log."""

from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from huleedu.security.recorded import note
from huleedu.security.security_log import REASON_CHARACTERS
from huleedu.security_kinds import SecurityKind


class ReasonForm(forms.Form):
    """Why support must see a file's name."""

    reason = forms.CharField(
        label=_("Why do you need the file’s name?"),
        min_length=5,
        max_length=REASON_CHARACTERS,
        help_text=_("It is kept with your name in the security log. Do not write anybody’s name."),
        widget=forms.TextInput({"autocomplete": "off"}),  # no name is offered to whoever comes next
    )


class BatchReasonForm(ReasonForm):
    """Why support must see what a batch is called."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["reason"].label = _("Why do you need the batch’s name?")


def reason_given(request: HttpRequest, form: type[ReasonForm], row: models.Model) -> tuple[ReasonForm, bool]:
    """The form that asks why, and whether names of ``row`` may be shown: with a reason, which is kept."""
    asked = form(request.POST if request.method == "POST" else None)
    given = request.method == "POST" and asked.is_valid()
    if given:
        note(SecurityKind.NAME_SEEN, row, reason=asked.cleaned_data["reason"])
    return asked, given


class SearchReasonForm(ReasonForm):
    """Why support must search for a name."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["reason"].label = _("Why do you search for a name?")
